"""Whether a message is the expected one, and whether the extension wrote the expected events."""
from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

from runner.cases import Expected
from runner.messages import Seen

EVENTS_TIMEOUT = 5.0


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
    for kind, wanted, fields in (("header", expected.headers, seen.headers), ("trailer", expected.trailers, seen.trailers)):
        for name, values in wanted.items():
            lines = [value for key, value in fields if key == name]
            check(f"{kind} {name}", field_values(name, values), field_values(name, lines))
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
