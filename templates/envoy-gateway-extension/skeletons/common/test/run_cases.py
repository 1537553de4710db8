#!/usr/bin/env python3
"""Runs test/cases.yaml against the extension in a real Envoy.

    client (this program) -> Envoy with local/envoy.yaml -> upstream (this program)

With --gateway and --upstream, a gateway that runs already is between the two: its route leads to the upstream's address,
in the protocol that the client speaks (BackendTrafficPolicy.spec.useClientProtocol), or trailers do not arrive.

Every case is sent several times at once, and different cases overlap, except those that are to be sent alone, as often
as they say; the header x-test-case-id tells the upstream which case to answer. Where there is a test/support.py, it
completes requests and runs what the extension depends on. Exit codes: 0 all passed, 1 a case failed, 2 the cases could not be run.
"""
from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import AsyncIterator

import aiohttp

from runner.cases import CannotRun, Case, Result, load_cases, load_yaml
from runner.checks import Events, compare
from runner.client import send
from runner.processes import ROOT, Process, free_port, map_ports, start_envoy, start_processor
from runner.support import Support
from runner.upstream import Upstream

ADMIN_PORT, LISTENER_PORT, UPSTREAM_PORT, PROCESSOR_PORT = 9901, 10000, 8080, 9002  # as in local/envoy.yaml
CASE_TIMEOUT = 10.0
OVERLAP = 4  # cases in flight at the same time


async def run_once(case: Case, case_id: str, gateway: str, upstream: Upstream, support: Support) -> list[str]:
    problems = []

    def received(length: int) -> None:
        upstream.received[case_id] = length

    try:
        sending = send(support.prepared(case.request), case_id, gateway, received)
        answer = await asyncio.wait_for(sending, CASE_TIMEOUT)
        if case.expect_response.broken is True:
            problems.append(f"the response is complete, status {answer.status}; it was to break off")
        problems += compare("response", case.expect_response, answer)
    except asyncio.TimeoutError:
        problems.append(f"no complete response within {CASE_TIMEOUT:g} s")
    except (aiohttp.ClientError, OSError) as error:
        if not case.expect_response.broken:
            problems.append(f"no valid response: {type(error).__name__}: {error}")
        elif upstream.received[case_id]:
            problems.append(f"{upstream.received[case_id]} bytes of the response have come before it broke off")
    requests = upstream.seen[case_id]
    if case.reached is not None and len(requests) != case.reached:
        problems.append(f"upstream: expected {int(case.reached)} request(s), got {len(requests)}")
    for seen in requests[: int(bool(case.reached))]:
        lengths = {value for name, value in seen.headers if name == "content-length"}
        if not seen.complete:
            problems.append(f"request body did not arrive completely (content-length {', '.join(lengths) or 'absent'})")
        elif lengths - {str(len(seen.body))}:
            problems.append(f"request content-length is {', '.join(lengths)}, the body has {len(seen.body)} bytes")
        problems += compare("request", case.expect_request, seen)
    return problems


async def run_cases(
    cases: list[Case], concurrency: int, gateway: str, upstream: Upstream, support: Support, events: Events
) -> AsyncIterator[Result]:
    in_flight = asyncio.Semaphore(concurrency * OVERLAP)

    async def limited(case: Case, case_id: str) -> list[str]:
        async with in_flight:
            return await run_once(case, case_id, gateway, upstream, support)

    def begin(number: int, case: Case, times: int) -> list[asyncio.Future[list[str]]]:
        ids = [f"{number}-{copy}" for copy in range(times)]
        upstream.cases.update({case_id: case for case_id in ids})
        return [asyncio.ensure_future(limited(case, case_id)) for case_id in ids]

    async def problems_of(copies: list[asyncio.Future[list[str]]]) -> list[str]:
        bad = [problems for problems in await asyncio.gather(*copies) if problems]
        share = [f"in {len(bad)} of {len(copies)} requests"] if 0 < len(bad) < len(copies) else []
        return [*bad[0], *share] if bad else []

    async def run_all(numbered: list[tuple[int, Case]]) -> AsyncIterator[Result]:
        tasks = [(case, begin(number, case, concurrency)) for number, case in numbered]
        for case, copies in tasks:
            yield Result(case.name, await problems_of(copies))

    numbered = list(enumerate(cases))
    together = [entry for entry in numbered if not entry[1].alone]
    async for result in run_all([entry for entry in together if entry[1].reached is not None]):
        yield result
    if any(case.events is not None for case in cases):
        await events.settle()
    for number, case in numbered:
        if case.alone:
            events.new()
            problems = await problems_of(begin(number, case, case.times))
            yield Result(case.name, problems + ([] if case.events is None else await events.compare(case.events)))
    if upstream.errors:
        yield Result("upstream gets only valid HTTP", upstream.errors[:3])
    # Last, and apart: Envoy may break off the requests of these cases when the upstream has already got their headers.
    async for result in run_all([entry for entry in together if entry[1].reached is None]):
        yield result


async def run(options: argparse.Namespace) -> list[Result]:
    return await (run_through_gateway if options.gateway else run_locally)(options)


async def run_through_gateway(options: argparse.Namespace) -> list[Result]:
    cases, concurrency = load_cases(options.cases)
    upstream = Upstream({})
    await upstream.start(*options.upstream)
    try:
        support, events = Support(ROOT / "test/support.py"), Events(options.log)
        return [
            shown(result, options)
            async for result in run_cases(cases, concurrency, options.gateway, upstream, support, events)
        ]
    finally:
        await upstream.stop()


def shown(result: Result, options: argparse.Namespace) -> Result:
    if not options.json:
        result.print()
    return result


async def run_locally(options: argparse.Namespace) -> list[Result]:
    cases, concurrency = load_cases(options.cases)
    config = load_yaml(options.config)
    upstream = Upstream({})
    upstream_port = await upstream.start("127.0.0.1", 0)
    processor_port = free_port()
    ports = {ADMIN_PORT: 0, LISTENER_PORT: 0, UPSTREAM_PORT: upstream_port, PROCESSOR_PORT: processor_port}
    found = map_ports(config, ports)
    if PROCESSOR_PORT in found and not options.server:
        raise CannotRun(f"{options.config} has an external processor (port {PROCESSOR_PORT}); --server is missing")
    missing = sorted(ports.keys() - found - (set() if options.server else {PROCESSOR_PORT}))
    if missing:
        raise CannotRun(f"{options.config} has no port_value {', '.join(map(str, missing))}")

    results: list[Result] = []
    support = Support(ROOT / "test/support.py")
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-cases-")))
        environment = await stack.enter_async_context(support.services(folder))
        (folder / "envoy.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        server = [part.replace("{port}", str(processor_port)) for part in shlex.split(options.server or "")]
        processor = Process("the external processor", server, folder / "processor.log", environment)
        envoy = Process(
            "Envoy",
            [options.envoy, "--config-path", str(folder / "envoy.yaml"), "--admin-address-path", str(folder / "admin"),
             "--concurrency", "2", "--disable-hot-restart", "--log-level", options.log_level,
             *(["--component-log-level", "lua:info,wasm:info"] if any(case.events is not None for case in cases) else [])],
            folder / "envoy.log",
            environment,
        )  # fmt: skip
        endings: list[str] = []
        try:
            if server:
                await start_processor(processor, processor_port)
            port = await start_envoy(envoy, folder / "admin")
            logs = [process.log for process in ([processor, envoy] if server else [envoy])]
            events = Events([*logs, *folder.glob("*.events")])
            gateway = f"http://127.0.0.1:{port}"
            async for result in run_cases(cases, concurrency, gateway, upstream, support, events):
                results.append(shown(result, options))
        finally:
            try:  # The processor first: it has to end cleanly while Envoy still holds its connections.
                endings += await processor.stop()
            finally:
                endings += await envoy.stop()
                await upstream.stop()
        if endings:
            results.append(shown(Result("processes end cleanly", endings), options))
        if any(result.problems for result in results):
            for process in [processor, envoy] if server else [envoy]:
                print(process.log_tail(), file=sys.stderr)
    return results


async def main(options: argparse.Namespace) -> int:
    running = asyncio.ensure_future(run(options))
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, running.cancel)
    results: list[Result] = []
    error = None
    try:
        results = await running
    except CannotRun as reason:
        error = str(reason)
    except asyncio.CancelledError:
        error = "interrupted"
    except Exception as reason:  # a bug here or in a library: exit code 1 would blame the extension
        traceback.print_exc()
        error = f"internal error: {reason!r}"
    failed = sum(1 for result in results if result.problems)
    if options.json:
        summary = {"passed": len(results) - failed, "failed": failed, "cases": [result.as_json() for result in results]}
        print(json.dumps({**summary, "error": error} if error else summary, indent=2))
    if error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not options.json:
        print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def host_and_port(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{value!r} is not HOST:PORT, such as 0.0.0.0:8080")
    return host, int(port)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    through = parser.add_mutually_exclusive_group(required=True)
    through.add_argument("--envoy", metavar="BINARY", help="Envoy's binary")
    through.add_argument("--gateway", metavar="URL", type=lambda url: url.rstrip("/"), help="a gateway that runs already")
    parser.add_argument("--upstream", metavar="HOST:PORT", type=host_and_port, help="where to be the gateway's upstream")
    parser.add_argument("--log", metavar="FILE", type=Path, action="append", default=[], help="with --gateway: where events are")
    parser.add_argument("--server", metavar="COMMAND", help="command of the external processor; {port} is replaced")
    parser.add_argument("--config", type=Path, default=ROOT / "local/envoy.yaml", help="Envoy's configuration")
    parser.add_argument("--cases", type=Path, default=ROOT / "test/cases.yaml", help="the cases")
    parser.add_argument("--json", action="store_true", help="print the results as JSON, and nothing else, to stdout")
    parser.add_argument("--log-level", default="warning", metavar="LEVEL", help="of Envoy; its log is shown when a case fails")
    options = parser.parse_args()
    if bool(options.gateway) != bool(options.upstream):
        parser.error("--gateway and --upstream go together")
    if os.sep in (options.envoy or ""):  # it is started in ROOT
        options.envoy = os.path.abspath(options.envoy)
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parse_arguments())))
