#!/bin/sh
# Builds the Wasm module with the first toolchain that can, and writes it to the given file.
#
#   1. cargo on PATH, if its toolchain has the target wasm32-wasip1
#   2. the same, after `rustup target add wasm32-wasip1`
#   3. Debian's cargo, which builds the standard library for the target itself
#
# CARGO_TARGET_DIR may be shared with other repositories: the linker writes the module to the given
# file directly, since the name that cargo would use is the same in all of them.
set -eu

target=wasm32-wasip1
out=${1:?usage: build-wasm.sh FILE}
cd "$(dirname "$0")/.."
mkdir -p "$(dirname "$out")"
case $out in /*) ;; *) out=$PWD/$out ;; esac

has_target() {
  libdir=$(rustc --print target-libdir --target $target 2>/dev/null) &&
    ls "$libdir"/libstd-*.rlib >/dev/null 2>&1
}

# Without a mirror within reach, rustup retries for minutes.
add_target() {
  command -v rustup >/dev/null 2>&1 || return 1
  echo "build-wasm.sh: rustup target add $target" >&2
  limit=''
  if command -v timeout >/dev/null 2>&1; then limit='timeout 60'; fi
  RUSTUP_MAX_RETRIES=0 $limit rustup target add $target >/dev/null 2>&1
}

debian_cargo() {
  for file in /usr/bin/cargo /usr/bin/rustc /usr/bin/wasm-ld /usr/lib/wasm32-wasi/libc.a; do
    [ -e $file ] || return 1
  done
  [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]
}

build() {
  cargo=$1
  shift
  rm -f "$out"
  "$cargo" rustc --locked --release --target $target --lib --crate-type cdylib "$@" -- \
    --emit "link=$out"
}

if command -v cargo >/dev/null 2>&1 && { has_target || { add_target && has_target; }; }; then
  build cargo
elif debian_cargo; then
  echo "build-wasm.sh: the toolchain on PATH has no $target, using Debian's" >&2
  # build-std is not stable; RUSTC_BOOTSTRAP allows it. RUSTFLAGS would replace the flags below.
  unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTUP_TOOLCHAIN
  export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
  export CARGO_TARGET_WASM32_WASIP1_LINKER=/usr/bin/wasm-ld
  export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS='-L /usr/lib/wasm32-wasi'
  build /usr/bin/cargo -Z build-std=std,panic_abort
else
  cat >&2 <<EOF
build-wasm.sh: no Rust toolchain for $target. Either
  install rustup (Rust 1.88 or later) and run: rustup target add $target
or, on Debian 12 or later:
  apt-get install rustc-web cargo-web rust-web-src wasi-libc lld
EOF
  exit 1
fi

if [ ! -s "$out" ]; then
  echo "build-wasm.sh: cargo succeeded but wrote no $out; run 'cargo clean -p wasm-filter'" >&2
  exit 1
fi
