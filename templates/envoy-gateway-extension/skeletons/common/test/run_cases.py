#!/usr/bin/env python3
"""Runs test/cases.yaml against the extension in a real Envoy.

    client (this program) -> Envoy with local/envoy.yaml -> upstream (this program)

With --gateway and --upstream, a gateway that runs already is between the two: its route leads to the upstream's address.

Every case is sent several times at once, and different cases overlap, except those that are to be sent alone, as often
as they say; the header x-test-case-id tells the upstream which case to answer. Where there is a test/support.py, it
completes requests and runs what the extension depends on. Exit codes: 0 all passed, 1 a case failed, 2 the cases could not be run.
"""
from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import importlib.util
import json
import logging
import os
import re
import shlex
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator

import aiohttp
import yaml
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

ROOT = Path(__file__).resolve().parent.parent
ADMIN_PORT, LISTENER_PORT, UPSTREAM_PORT, PROCESSOR_PORT = 9901, 10000, 8080, 9002  # as in local/envoy.yaml
CASE_ID = "x-test-case-id"
CASE_TIMEOUT = START_TIMEOUT = STOP_TIMEOUT = 10.0
ENVOY_START_TIMEOUT = 60.0  # compiling a Wasm module takes its time
OVERLAP = 4  # cases in flight at the same time
EVENTS_TIMEOUT = 5.0
TEST_KEY = b"local-test-key-of-run_cases.py!!"  # of the JWTs that local/envoy.yaml accepts; good for nothing else
# Headers that aiohttp would add by itself; a case is sent exactly as it is written.
NOT_ADDED_TO_REQUESTS = ["Accept", "Accept-Encoding", "User-Agent", "Content-Type"]
NOT_ADDED_TO_RESPONSES = ["Content-Type", "Date", "Server"]

Headers = list  # of (name, value): order and repeated names matter


class CannotRun(Exception):
    """The cases could not be run: nothing is said about the extension."""


# --- Cases ----------------------------------------------------------------------------------------------------


@dataclass
class Message:
    headers: Headers = field(default_factory=list)
    body: bytes | None = None
    parts: list[bytes] = field(default_factory=list)  # of the body
    chunked: bool | str = False
    method: str = "GET"
    path: str = "/"
    status: int = 200
    claims: dict[str, Any] | None = None
    prepare: dict[str, Any] | None = None


@dataclass
class Expected:
    """Parts that are None are not checked."""

    status: int | None = None
    headers: dict[str, list[str]] = field(default_factory=dict)
    headers_match: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    json: bool = False  # compare the body as JSON instead of byte by byte


@dataclass
class Case:
    name: str
    request: Message
    response: Message
    reached: bool | None  # None: not checked
    expect_request: Expected
    expect_response: Expected
    alone: bool = False
    times: int = 1  # at once, if alone
    events: list[dict[str, Any]] | None = None  # None: not checked


@dataclass
class Result:
    name: str
    problems: list[str]

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "status": "failed" if self.problems else "passed", "message": "; ".join(self.problems)}

    def print(self) -> None:
        print(f"{'FAIL' if self.problems else 'ok  '}  {self.name}", flush=True)
        for problem in self.problems:
            print(f"        {problem}", flush=True)


def load_cases(path: Path) -> tuple[list[Case], int]:
    document = load_yaml(path)
    check_keys(document, {"concurrency", "cases"}, str(path))
    concurrency = typed(document, "concurrency", int, str(path), 8)
    if concurrency < 1:
        raise CannotRun(f"{path}: concurrency must be 1 or more, not {concurrency}")
    entries = typed(document, "cases", list, str(path), [])
    if not entries:
        raise CannotRun(f"{path}: there are no cases; nothing would be checked")
    return [load_case(entry, f"{path}: case {number}") for number, entry in enumerate(entries, 1)], concurrency


def load_case(entry: Any, where: str) -> Case:
    check_keys(entry, {"name", "alone", "times", "request", "response", "expect"}, where)
    name = typed(entry, "name", str, where)
    where = f"{where} ({name})"
    alone = typed(entry, "alone", bool, where, False)
    times = typed(entry, "times", int, where, 1)
    if times < 1 or (times > 1 and not alone):
        raise CannotRun(f"{where}.times must be 1 or more, and needs alone: true, not {times}")
    expect = typed(entry, "expect", dict, where, {})
    check_keys(expect, {"reached", "request", "response", "events"}, f"{where}.expect")
    expect_request = load_expected(expect.get("request", {}), {"headers", "body"}, f"{where}.expect.request")
    expect_response = load_expected(
        expect.get("response", {}), {"status", "headers", "headersMatch", "body"}, f"{where}.expect.response"
    )
    events = typed(expect, "events", list, f"{where}.expect") if "events" in expect else None
    if events is not None and not alone:
        raise CannotRun(f"{where}.expect.events needs alone: true; else they could be another request's")
    if not expect.keys() & {"reached", "events"} and expect_request == Expected() and expect_response == Expected():
        raise CannotRun(f"{where} expects nothing; it would pass without any check")
    either = expect.get("reached") == "either"  # Envoy may answer before or after it has called the upstream
    reached = None if either else typed(expect, "reached", bool, f"{where}.expect", True)
    if not reached and expect_request != Expected():
        raise CannotRun(f"{where}.expect.request cannot be checked: reached is false")
    return Case(
        name=name,
        request=load_message(entry.get("request", {}), {"method", "path", "claims", "prepare"}, f"{where}.request"),
        response=load_message(entry.get("response", {}), {"status"}, f"{where}.response"),
        reached=reached,
        expect_request=expect_request,
        expect_response=expect_response,
        alone=alone,
        times=times,
        events=events,
    )


def load_message(entry: Any, keys: set[str], where: str) -> Message:
    check_keys(entry, {"headers", "body", "chunked"} | keys, where)
    headers = []
    for number, header in enumerate(typed(entry, "headers", list, where, [])):
        check_keys(header, {"name", "value"}, f"{where}.headers[{number}]")
        headers.append(tuple(typed(header, key, str, f"{where}.headers[{number}]") for key in ("name", "value")))
    parts = load_body(entry, where)
    chunked = entry.get("chunked", False)
    if chunked not in (True, False, "parts") and not (chunked == "acknowledged" and "status" in keys):
        raise CannotRun(f"{where}.chunked must be true, false or parts, or acknowledged in a response, not {chunked!r}")
    return Message(
        headers=headers,
        body=None if parts is None else b"".join(parts),
        parts=parts or [],
        chunked=chunked,
        claims=typed(entry, "claims", dict, where) if "claims" in entry else None,
        prepare=typed(entry, "prepare", dict, where) if "prepare" in entry else None,
        method=typed(entry, "method", str, where, "GET"),
        path=typed(entry, "path", str, where, "/"),
        status=typed(entry, "status", int, where, 200),
    )


def load_expected(entry: Any, keys: set[str], where: str) -> Expected:
    check_keys(entry, keys, where)
    headers = typed(entry, "headers", dict, where, {})
    for name, values in headers.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise CannotRun(f"{where}.headers.{name} must be a list of strings, not {values!r}")
    patterns = typed(entry, "headersMatch", dict, where, {})
    for name, pattern in patterns.items():
        try:
            re.compile(pattern)
        except (TypeError, re.error) as error:
            raise CannotRun(f"{where}.headersMatch.{name} must be a regular expression, not {pattern!r}: {error}") from error
    parts = load_body(entry, where)
    return Expected(
        status=typed(entry, "status", int, where) if "status" in entry else None,
        headers={name.lower(): values for name, values in headers.items()},
        headers_match={name.lower(): pattern for name, pattern in patterns.items()},
        body=None if parts is None else b"".join(parts),
        json=isinstance(entry.get("body"), dict) and typed(entry["body"], "json", bool, f"{where}.body", False),
    )


def load_body(entry: dict[str, Any], where: str) -> list[bytes] | None:
    """The parts of a body."""
    body = entry.get("body")
    if body is None or isinstance(body, str):
        return None if body is None else [body.encode()]
    check_keys(body, {"parts", "json"}, f"{where}.body")
    parts = []
    for number, part in enumerate(typed(body, "parts", list, f"{where}.body")):
        at = f"{where}.body.parts[{number}]"
        if isinstance(part, dict) and "base64" in part:
            check_keys(part, {"base64"}, at)
            parts.append(base64.b64decode(typed(part, "base64", str, at), validate=True))
            continue
        if isinstance(part, dict):
            check_keys(part, {"repeat", "times"}, at)
            part = typed(part, "repeat", str, at) * typed(part, "times", int, at)
        parts.append(str(part).encode())
    return parts


def check_keys(value: Any, allowed: set[str], where: str) -> None:
    """A mistyped key must not silently switch a check off."""
    if not isinstance(value, dict):
        raise CannotRun(f"{where} must be a mapping, not {value!r}")
    unknown = sorted(str(key) for key in value if key not in allowed)
    if unknown:
        raise CannotRun(f"{where} has unknown keys: {', '.join(unknown)}; known: {', '.join(sorted(allowed))}")


def typed(entry: dict[str, Any], key: str, kind: type, where: str, default: Any = None) -> Any:
    value = entry.get(key, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise CannotRun(f"{where}.{key} must be of type {kind.__name__}, not {value!r}")
    return value


def load_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise CannotRun(f"cannot read {path}: {error}") from error


# --- Upstream and client ----------------------------------------------------------------------------------------


@dataclass
class Seen:
    """A message as it arrived."""

    headers: Headers
    body: bytes = b""
    complete: bool = False
    status: int = 0


async def chunks(message: Message) -> AsyncIterator[bytes]:
    """Pieces with pauses, so that Envoy's filters see several of them: all parts, or a few chunks."""
    if message.chunked in ("parts", "acknowledged"):
        for part in message.parts:
            yield part
            await asyncio.sleep(0.005)
        return
    body = message.body or b""
    size = max(1, len(body) // 3)
    for start in range(0, len(body), size):
        yield body[start : start + size]
        if start == 0:
            await asyncio.sleep(0.005)


def signed(claims: dict[str, Any]) -> str:
    """A JWT with these claims that local/envoy.yaml accepts for an hour."""
    encoded = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")  # noqa: E731
    payload = {"exp": int(time.time()) + 3600, **claims}
    parts = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "test", "typ": "JWT"}, payload))
    return b".".join([parts, encoded(hmac.new(TEST_KEY, parts, hashlib.sha256).digest())]).decode()


def decoded(raw_headers: Any) -> Headers:
    return [(name.decode("latin-1").lower(), value.decode("utf-8", "replace")) for name, value in raw_headers]


class Upstream(logging.Handler):
    """Answers as the cases say and records what arrived; as log handler it records what was no valid HTTP."""

    def __init__(self, cases: dict[str, Case]) -> None:
        super().__init__()
        self.cases = cases
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.received: dict[str, int] = defaultdict(int)  # bytes of the response that the client has
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.ERROR or isinstance(cause, HttpProcessingError):
            self.errors.append(f"{record.getMessage()}: {' '.join(str(cause).split())}")

    async def start(self, host: str, port: int) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self.respond)
        app.on_response_prepare.append(self.remove_automatic_headers)
        logger = logging.getLogger("upstream")
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)  # aiohttp does not take some malformed requests for errors
        logger.propagate = False
        runner = web.AppRunner(app, access_log=None, logger=logger, shutdown_timeout=0.1, auto_decompress=False)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise CannotRun(f"the upstream cannot listen on {host}:{port}: {error}") from error
        return runner, runner.addresses[0][1]

    async def remove_automatic_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name in NOT_ADDED_TO_RESPONSES:
            if name.lower() not in request.get("given", ()):
                response.headers.popall(name, None)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(decoded(request.raw_headers))
        case_id = request.headers.get(CASE_ID, "")
        self.seen[case_id].append(seen)
        seen.body = await request.read()
        seen.complete = True
        if case_id not in self.cases:
            return web.Response(status=500, text=f"upstream: unknown {CASE_ID} {case_id!r}")
        answer = self.cases[case_id].response
        request["given"] = {name.lower() for name, _ in answer.headers}
        if not answer.chunked:
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        sent = 0
        async for chunk in chunks(answer):
            while answer.chunked == "acknowledged" and self.received[case_id] < sent:
                await asyncio.sleep(0.005)  # if it never arrives, the case fails for its time
            await response.write(chunk)
            sent += len(chunk)
        await response.write_eof()
        return response


async def send(case: Case, case_id: str, gateway: str, support: Support, received: dict[str, int]) -> Seen:
    message = support.prepared(case.request)
    data = chunks(message) if message.chunked else message.body
    headers = [*message.headers, *([("authorization", f"Bearer {signed(message.claims)}")] if message.claims is not None else [])]
    # A session per request: no connection is shared, so a closed one cannot fail another case.
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.request(
            message.method,
            URL(f"{gateway}{message.path}", encoded=True),
            # In lower case, or aiohttp takes X-A and x-a for two names and sends only one of them.
            headers=[*((name.lower(), value) for name, value in headers), (CASE_ID, case_id)],
            skip_auto_headers=NOT_ADDED_TO_REQUESTS,
            data=data,
            allow_redirects=False,
        ) as response:
            body = b""
            async for piece in response.content.iter_any():
                body += piece
                received[case_id] = len(body)
            return Seen(decoded(response.raw_headers), body, True, response.status)


# --- Checks -----------------------------------------------------------------------------------------------------


def field_values(name: str, lines: list[str]) -> list[str]:
    """The values of a field, however they are spread over lines; set-cookie's commas do not separate values."""
    if not lines or name == "set-cookie":
        return lines
    return [value.strip() for value in ", ".join(lines).split(",")]


def as_json(body: bytes) -> Any:
    """A JSON text to compare: white space and escapes do not matter, the order of members and the text of numbers do."""
    number = lambda text: ("number", text)  # noqa: E731
    try:
        return json.loads(body, parse_int=number, parse_float=number, object_pairs_hook=lambda pairs: ("object", pairs))
    except ValueError:
        return ("not JSON", body)


def abbreviated(value: Any) -> str:
    text = repr(value)
    size = f" ({len(value)} bytes)" if isinstance(value, bytes) else ""
    return (text if len(text) <= 200 else f"{text[:120]}...{text[-40:]}") + size


def compare(side: str, expected: Expected, seen: Seen) -> list[str]:
    problems = []

    def check(what: str, wanted: Any, actual: Any) -> None:
        if wanted != actual:
            problems.append(f"{side} {what}: expected {abbreviated(wanted)}, got {abbreviated(actual)}")

    if expected.status is not None:
        check("status", expected.status, seen.status)
    for name, values in expected.headers.items():
        lines = [value for key, value in seen.headers if key == name]
        check(f"header {name}", field_values(name, values), field_values(name, lines))
    for name, pattern in expected.headers_match.items():
        value = ", ".join(value for key, value in seen.headers if key == name)
        if not re.fullmatch(pattern, value):
            problems.append(f"{side} header {name}: expected a match of {pattern}, got {abbreviated(value)}")
    if expected.body is not None and not (expected.json and as_json(expected.body) == as_json(seen.body)):
        check("body", expected.body, seen.body)
    return problems


def contains(whole: Any, part: Any) -> bool:
    """Whether an event has these members; objects may have more, lists may not."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    return whole == part


class Events:
    """What the extension writes, one JSON object with a member `event` in a line each, into any of these files."""

    def __init__(self, logs: list[Path]) -> None:
        self.offsets = {log: 0 for log in logs}

    def new(self) -> list[dict[str, Any]]:
        found = []
        for log, offset in self.offsets.items():
            with log.open("rb") as file:
                file.seek(offset)
                text = file.read()
            complete = text[: text.rfind(b"\n") + 1]
            self.offsets[log] += len(complete)
            for line in complete.decode("utf-8", "replace").splitlines():
                try:
                    event = json.loads(line[line.index("{") :])
                except ValueError:
                    continue
                if isinstance(event, dict) and "event" in event:
                    found.append(event)
        return found

    async def settle(self) -> None:
        """Waits for what requests before have still to say."""
        await asyncio.sleep(0.3)
        while self.new():
            await asyncio.sleep(0.3)

    async def compare(self, expected: list[dict[str, Any]]) -> list[str]:
        seen: list[dict[str, Any]] = []
        deadline = time.monotonic() + EVENTS_TIMEOUT
        while len(seen) < len(expected) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            seen += self.new()
        await asyncio.sleep(0.1)  # for one too many
        seen += self.new()
        if len(seen) != len(expected):
            return [f"expected {len(expected)} event(s), got {len(seen)}: {abbreviated(seen)}"]
        return [
            f"event: expected {abbreviated(wanted)}, got {json.dumps(event)}"
            for wanted, event in zip(expected, seen)
            if not contains(event, wanted)
        ]


async def run_once(case: Case, case_id: str, gateway: str, upstream: Upstream, support: Support) -> list[str]:
    problems = []
    try:
        answer = await asyncio.wait_for(send(case, case_id, gateway, support, upstream.received), CASE_TIMEOUT)
        problems += compare("response", case.expect_response, answer)
    except asyncio.TimeoutError:
        problems.append(f"no complete response within {CASE_TIMEOUT:g} s")
    except (aiohttp.ClientError, OSError) as error:
        problems.append(f"no valid response: {type(error).__name__}: {error}")
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


# --- What a purpose brings: test/support.py -----------------------------------------------------------------------


class Support:
    """test/support.py, if there is one. It may define

    prepare(message, data)  returns the message as it is sent; data is request.prepare of the case
    services(folder)        an asynchronous context manager that runs what the extension depends on, and gives the
                            environment variables with which the processor and Envoy find it; what these are told of
                            events they write to files folder/*.events
    """

    def __init__(self, path: Path) -> None:
        self.module: Any = None
        if path.exists():
            spec = importlib.util.spec_from_file_location("support", path)
            assert spec and spec.loader
            self.module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.module)

    def prepared(self, message: Message) -> Message:
        if message.prepare is None:
            return message
        if not hasattr(self.module, "prepare"):
            raise CannotRun("a case has request.prepare, but there is no prepare() in test/support.py")
        return self.module.prepare(message, message.prepare)

    @contextlib.asynccontextmanager
    async def services(self, folder: Path) -> AsyncIterator[dict[str, str]]:
        if hasattr(self.module, "services"):
            async with self.module.services(folder) as environment:
                yield environment
        else:
            yield {}


# --- Processes --------------------------------------------------------------------------------------------------


class Process:
    """A child process that writes its log to a file."""

    def __init__(self, title: str, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.title, self.command, self.log, self.environment = title, command, log, environment
        self.child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        try:
            with self.log.open("wb") as log:
                # A session of its own: Ctrl-C reaches this program only, which then stops its children in order.
                self.child = await asyncio.create_subprocess_exec(
                    *self.command, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    env={**os.environ, **self.environment},
                )  # fmt: skip
        except OSError as error:
            raise CannotRun(f"cannot start {self.title}: {error}") from error

    async def wait_until(self, ready: Any, timeout: float) -> None:
        deadline = asyncio.get_running_loop().time() + timeout
        while not await ready():
            if self.child and self.child.returncode is not None:
                raise CannotRun(f"{self.title} exited with code {self.child.returncode} at start{self.log_tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise CannotRun(f"{self.title} is not ready after {timeout:g} s{self.log_tail()}")
            await asyncio.sleep(0.05)

    async def stop(self) -> list[str]:
        """Asks it to end; returns what went wrong."""
        if self.child is None:
            return []
        if self.child.returncode is not None:
            return [f"{self.title} ended too early, with code {self.child.returncode}"]
        try:
            self.child.terminate()
            code = await asyncio.wait_for(self.child.wait(), STOP_TIMEOUT)
            return [f"{self.title} exited with code {code} on SIGTERM, expected 0"] if code else []
        except asyncio.TimeoutError:
            return [f"{self.title} did not end within {STOP_TIMEOUT:g} s after SIGTERM"]
        finally:
            if self.child.returncode is None:
                self.child.kill()
                await self.child.wait()

    def log_tail(self, lines: int = 25) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        tail = "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
        return f"\n--- log of {self.title} ---\n{tail or '  (empty)'}"


def map_ports(config: Any, ports: dict[int, int]) -> set[int]:
    """Replaces port_value everywhere in the configuration; returns the ports that were found."""
    found: set[int] = set()
    children = config.values() if isinstance(config, dict) else config if isinstance(config, list) else []
    for child in children:
        found |= map_ports(child, ports)
    if isinstance(config, dict) and config.get("port_value") in ports:
        found.add(config["port_value"])
        config["port_value"] = ports[config["port_value"]]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def start_processor(processor: Process, port: int) -> None:
    async def accepts() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await processor.start()
    await processor.wait_until(accepts, START_TIMEOUT)


async def start_envoy(envoy: Process, admin_file: Path) -> int:
    """Returns the port of the listener."""

    async def admin(path: str) -> str:
        timeout = aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with session.get(f"http://{admin_file.read_text().strip()}{path}") as response:
                response.raise_for_status()
                return await response.text()

    async def is_ready() -> bool:
        try:
            return admin_file.exists() and "LIVE" in await admin("/ready")
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
            return False

    await envoy.start()
    await envoy.wait_until(is_ready, ENVOY_START_TIMEOUT)
    listeners = json.loads(await admin("/listeners?format=json")).get("listener_statuses", [])
    if len(listeners) != 1:
        raise CannotRun(f"Envoy has {len(listeners)} listeners, expected 1{envoy.log_tail()}")
    return listeners[0]["local_address"]["socket_address"]["port_value"]


# --- Main -------------------------------------------------------------------------------------------------------


async def run(options: argparse.Namespace) -> list[Result]:
    return await (run_through_gateway if options.gateway else run_locally)(options)


async def run_through_gateway(options: argparse.Namespace) -> list[Result]:
    cases, concurrency = load_cases(options.cases)
    upstream = Upstream({})
    runner, _ = await upstream.start(*options.upstream)
    try:
        support, events = Support(ROOT / "test/support.py"), Events(options.log)
        return [
            shown(result, options)
            async for result in run_cases(cases, concurrency, options.gateway, upstream, support, events)
        ]
    finally:
        await runner.cleanup()


def shown(result: Result, options: argparse.Namespace) -> Result:
    if not options.json:
        result.print()
    return result


async def run_locally(options: argparse.Namespace) -> list[Result]:
    cases, concurrency = load_cases(options.cases)
    config = load_yaml(options.config)
    upstream = Upstream({})
    runner, upstream_port = await upstream.start("127.0.0.1", 0)
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
                await runner.cleanup()
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
