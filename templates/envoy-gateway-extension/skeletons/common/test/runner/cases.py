"""The cases of test/cases.yaml, read and checked: a mistyped case stops the run instead of passing."""
from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Headers = list  # of (name, value): order and repeated names matter


class CannotRun(Exception):
    """The cases could not be run: nothing is said about the extension."""


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
    protocol: str = "http1"
    trailers: Headers = field(default_factory=list)


@dataclass
class Expected:
    """Parts that are None are not checked."""

    status: int | None = None
    headers: dict[str, list[str]] = field(default_factory=dict)
    headers_match: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    trailers: dict[str, list[str]] = field(default_factory=dict)
    json: bool = False  # compare the body as JSON instead of byte by byte
    broken: bool | str = False  # the response breaks off before anything of its body has come; either: or is as expected


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
    expect_request = load_expected(expect.get("request", {}), {"headers", "body", "trailers"}, f"{where}.expect.request")
    expect_response = load_expected(
        expect.get("response", {}), {"status", "broken", "headers", "headersMatch", "body", "trailers"}, f"{where}.expect.response"
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
    request = load_message(
        entry.get("request", {}), {"method", "path", "claims", "prepare", "protocol"}, f"{where}.request"
    )
    response = load_message(entry.get("response", {}), {"status"}, f"{where}.response")
    check_protocol(request, response, expect_request, expect_response, where)
    return Case(
        name=name,
        request=request,
        response=response,
        reached=reached,
        expect_request=expect_request,
        expect_response=expect_response,
        alone=alone,
        times=times,
        events=events,
    )


def load_message(entry: Any, keys: set[str], where: str) -> Message:
    check_keys(entry, {"headers", "body", "chunked", "trailers"} | keys, where)
    parts = load_body(entry, where)
    chunked = entry.get("chunked", False)
    if chunked not in (True, False, "parts") and not (chunked == "acknowledged" and "status" in keys):
        raise CannotRun(f"{where}.chunked must be true, false or parts, or acknowledged in a response, not {chunked!r}")
    return Message(
        headers=load_headers(entry, "headers", where),
        trailers=load_headers(entry, "trailers", where),
        protocol=typed(entry, "protocol", str, where, "http1"),
        body=None if parts is None else b"".join(parts),
        parts=parts or [],
        chunked=chunked,
        claims=typed(entry, "claims", dict, where) if "claims" in entry else None,
        prepare=typed(entry, "prepare", dict, where) if "prepare" in entry else None,
        method=typed(entry, "method", str, where, "GET"),
        path=typed(entry, "path", str, where, "/"),
        status=typed(entry, "status", int, where, 200),
    )


def load_headers(entry: dict[str, Any], key: str, where: str) -> Headers:
    headers = []
    for number, header in enumerate(typed(entry, key, list, where, [])):
        at = f"{where}.{key}[{number}]"
        check_keys(header, {"name", "value"}, at)
        headers.append((typed(header, "name", str, at), typed(header, "value", str, at)))
    return headers


def check_protocol(request: Message, response: Message, expect_request: Expected, expect_response: Expected, where: str) -> None:
    """Whether the protocol of a case can carry what the case says."""
    if request.protocol not in ("http1", "http2", "websocket"):
        raise CannotRun(f"{where}.request.protocol must be http1, http2 or websocket, not {request.protocol!r}")
    trailers = request.trailers or response.trailers or expect_request.trailers or expect_response.trailers
    if trailers and request.protocol != "http2":
        raise CannotRun(f"{where} has trailers, which need request.protocol: http2")
    if request.protocol == "websocket" and (request.method != "GET" or request.chunked or response.chunked or response.body):
        raise CannotRun(
            f"{where}: a WebSocket is opened with GET, each part of request.body is a message, and the upstream sends each back"
        )


def load_expected(entry: Any, keys: set[str], where: str) -> Expected:
    check_keys(entry, keys, where)
    headers, trailers = ({**typed(entry, key, dict, where, {})} for key in ("headers", "trailers"))
    for name, values in [*headers.items(), *trailers.items()]:
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise CannotRun(f"{where}: the values of {name} must be a list of strings, not {values!r}")
    patterns = typed(entry, "headersMatch", dict, where, {})
    for name, pattern in patterns.items():
        try:
            re.compile(pattern)
        except (TypeError, re.error) as error:
            raise CannotRun(f"{where}.headersMatch.{name} must be a regular expression, not {pattern!r}: {error}") from error
    broken = entry.get("broken", False)
    if broken not in (True, False, "either"):
        raise CannotRun(f"{where}.broken must be true, false or either, not {broken!r}")
    parts = load_body(entry, where)
    return Expected(
        status=typed(entry, "status", int, where) if "status" in entry else None,
        headers={name.lower(): values for name, values in headers.items()},
        trailers={name.lower(): values for name, values in trailers.items()},
        headers_match={name.lower(): pattern for name, pattern in patterns.items()},
        body=None if parts is None else b"".join(parts),
        broken=broken,
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
