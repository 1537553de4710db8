"""How much memory an Envoy with one worker needs for the Wasm module of a generated repository.

    python wasm_memory.py --envoy PATH FOLDER...

Each FOLDER is a repository of wasm-rust, built with `make build`; its secrets, if any, are in build/secrets.
"""

import argparse
import pathlib
import statistics
import time

from processes import envoy, memory


def without_module(config):
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"] = [f for f in manager["http_filters"] if "wasm" not in f["name"]]
    for route in manager["route_config"]["virtual_hosts"][0]["routes"]:
        route.pop("typed_per_filter_config", None)


def resident(binary, repository, change):
    with envoy(binary, repository, 1, [1], change) as (process, _, _):
        time.sleep(3)
        return memory(process.pid)[0] / (1 << 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("repositories", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    for repository in options.repositories:
        runs = [(resident(options.envoy, repository, lambda config: None),
                 resident(options.envoy, repository, without_module)) for _ in range(3)]
        size = (repository / "build/plugin.wasm").stat().st_size >> 10
        extra = statistics.median(with_module - without for with_module, without in runs)
        print(f"{repository.name}: module of {size} KiB, {extra:.0f} MiB more than {runs[0][1]:.0f} MiB without")


if __name__ == "__main__":
    main()
