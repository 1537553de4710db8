"""How much memory an Envoy needs for the Wasm module of a generated repository.

    python wasm_memory.py --envoy PATH FOLDER...

Each FOLDER is a repository of wasm-rust, built with `make build`. What Envoy needs more than without the module is
printed in MiB, with one worker and with three: before the first request, and after the repository's own cases were sent
through it several times.
"""

import argparse
import pathlib
import subprocess
import sys
import time

from processes import envoy, free_port, memory

TIMES = 3


def without_module(config):
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"] = [f for f in manager["http_filters"] if "wasm" not in f["name"]]
    for route in manager["route_config"]["virtual_hosts"][0]["routes"]:
        route.pop("typed_per_filter_config", None)


def resident(binary, repository, workers, change=lambda config: None):
    """Memory in MiB: when Envoy is ready, and after load."""
    upstream = free_port()
    with envoy(binary, repository, upstream, [], change, workers) as (process, listener, _):
        time.sleep(3)
        idle = memory(process.pid)[0]
        cases = [sys.executable, "test/run_cases.py", "--gateway", f"http://127.0.0.1:{listener}",
                 "--upstream", f"127.0.0.1:{upstream}"]
        for _ in range(TIMES):
            # Without the module cases fail, and some need a gateway of their own: all that counts is that they were run.
            done = subprocess.run(cases, cwd=repository, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 1) or process.poll() is not None:
                sys.exit(f"error: {repository}: the cases could not be sent: {done.stderr[-500:]}")
        return idle / 2**20, memory(process.pid)[0] / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("repositories", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    for repository in options.repositories:
        more = {}
        for workers in (1, 3):
            with_module = resident(options.envoy, repository, workers)
            without = resident(options.envoy, repository, workers, without_module)
            more[workers] = [a - b for a, b in zip(with_module, without)]
        size = (repository / "build/plugin.wasm").stat().st_size >> 10
        (idle, loaded), (idle_three, loaded_three) = more[1], more[3]
        print(f"{repository.name}: {idle:.0f} before, {loaded:.0f} after requests; "
              f"with three workers {idle_three:.0f} and {loaded_three:.0f}; module of {size} KiB", flush=True)


if __name__ == "__main__":
    main()
