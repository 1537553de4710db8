#!/bin/sh
# namespace.sh FOLDER: first process of a lab's namespaces. It prepares them, says so in FOLDER/prepared, and ends with
# its standard input; everything else in the PID namespace ends with it. Nothing of the machine's files is changed: where
# Envoy Gateway has fixed paths, the namespace sees a file system of its own.
set -eu
folder=$1

# shadow DIRECTORY STAGE: makes STAGE show what is in DIRECTORY, so that more can be put beside it.
shadow() {
  mkdir -p "$2"
  mount -t tmpfs lab "$2"
  mount --make-unbindable "$2"
  for entry in "$1"/*; do
    name=${entry##*/}
    if [ -L "$entry" ]; then
      cp -P "$entry" "$2/$name"
    elif [ -d "$entry" ]; then
      mkdir "$2/$name"
      mount --rbind "$entry" "$2/$name"
    elif [ -f "$entry" ]; then
      : >"$2/$name"
      mount --bind "$entry" "$2/$name"
    fi
  done
}

root=$folder/root
shadow "" "$root"
shadow /var/lib "$folder/var-lib"
mkdir -p "$root/certs" "$root/sds" "$root/old" "$folder/var-lib/eg"
mount --bind "$folder/certs" "$root/certs"
mount --bind "$folder/hosts" "$root/etc/hosts"
mount --make-private "$folder/var-lib"
mount --move "$folder/var-lib" "$root/var/lib"
mount --make-private "$root"
cd "$root"
pivot_root . old
cd /
umount -l /old

ip link set lo up
for last in 1 2 3 4 5 6 7 8 9; do
  ip address add "10.99.0.$last/32" dev lo
done
: >"$folder/prepared"
exec cat >/dev/null
