"""What an Envoy answers after a Wasm module has trapped, with and without the failure policy that reloads.

    python trap.py --envoy PATH

The module is made here: it traps on a request with more than 20 headers and lets all others pass.
"""

import argparse
import http.client
import json
import pathlib
import tempfile
import time

from processes import free_port, running, stats

I32 = b"\x7f"


def vector(items):
    return bytes([len(items)]) + b"".join(items)


def name(text):
    return vector([bytes([b]) for b in text.encode()])


def module():
    """The bytes of a module for Proxy-Wasm 0.2.1; see the binary format in the WebAssembly specification."""
    returns_one, returns_zero = b"\x41\x01", b"\x41\x00"
    trap_on_many_headers = b"\x20\x01\x41\x14\x4a\x04\x40\x00\x0b" + returns_zero
    functions = {  # name: parameters, results, body
        "proxy_abi_version_0_2_1": (0, 0, b""),
        "proxy_on_memory_allocate": (1, 1, b"\x41\x80\x08"),
        "proxy_on_context_create": (2, 0, b""),
        "proxy_on_vm_start": (2, 1, returns_one),
        "proxy_on_configure": (2, 1, returns_one),
        "proxy_on_request_headers": (3, 1, trap_on_many_headers),
    }
    types = [b"\x60" + vector([I32] * given) + vector([I32] * results) for given, results, _ in functions.values()]
    bodies = [b"\x00" + body + b"\x0b" for _, _, body in functions.values()]
    exports = [name(n) + b"\x00" + bytes([i]) for i, n in enumerate(functions)] + [name("memory") + b"\x02\x00"]
    sections = {
        1: vector(types),
        3: vector([bytes([i]) for i in range(len(functions))]),
        5: vector([b"\x00\x01"]),
        7: vector(exports),
        10: vector([bytes([len(body)]) + body for body in bodies]),
    }
    def section(number, content):
        size = len(content)
        return bytes([number]) + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + content
    return b"\0asm\x01\0\0\0" + b"".join(section(*item) for item in sections.items())


def config(listener, admin, wasm, failure_policy):
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "trap",
        "http_filters": [
            {"name": "wasm", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    **failure_policy,
                    "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(wasm)}}},
                }}},
            {"name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
    }
    address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}  # noqa: E731
    return {
        "admin": {"address": address(admin)},
        "static_resources": {"listeners": [{
            "name": "trap", "address": address(listener),
            "filter_chains": [{"filters": [
                {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
        }]},
    }


def status(port, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/", headers={f"x-{i}": "1" for i in range(headers)})
    return connection.getresponse().status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envoy", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wasm, file = pathlib.Path(folder, "trap.wasm"), pathlib.Path(folder, "envoy.json")
        wasm.write_bytes(module())
        for title, policy in [("as Envoy Gateway sets it", {"fail_open": False}),
                              ("FAIL_RELOAD", {"failure_policy": "FAIL_RELOAD"})]:
            listener, admin = free_port(), free_port()
            file.write_text(json.dumps(config(listener, admin, wasm, policy)))
            command = [options.envoy, "-c", str(file), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "off"]
            with running(command, listener):
                before, trapped = status(listener, 1), status(listener, 30)
                at_once = status(listener, 1)
                time.sleep(2)
                later = [status(listener, 1) for _ in range(3)]
                print(f"{title}: before {before}, the trap itself {trapped}, at once {at_once}, after 2 s {later}")
                print(f"  {stats(admin, 'wasm')}")


if __name__ == "__main__":
    main()
