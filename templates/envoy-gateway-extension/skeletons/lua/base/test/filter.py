"""Runs a script in LuaJIT with a double of Envoy, for the unit tests."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime  # Envoy's scripts run in LuaJIT 2.1

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "build/filter.lua"
OWN_SETTINGS = ROOT / "src/settings.lua"  # only for releases of Envoy Gateway that have no filterContext
DOUBLE = ROOT / "test/envoy_double.lua"

Headers = list  # of (name, value)


@dataclass
class Outcome:
    """What became of a message."""

    headers: Headers
    body: str | None
    reply: dict[str, str] | None  # what the script answered to the client instead of passing the request on
    logs: list[str]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def built_script(with_settings: bool) -> str:
    script = SCRIPT.read_text(encoding="utf-8")
    own = OWN_SETTINGS.read_text(encoding="utf-8") if OWN_SETTINGS.exists() else ""
    if not script.startswith(own):
        raise AssertionError(f"{SCRIPT} does not start with {OWN_SETTINGS}; run `make build`")
    return script if with_settings else script[len(own) :]


class Filter:
    """A loaded script and one exchange. `settings` is the policy's filterContext; a src/settings.lua is left out.

    `metadata` is what filters before this one have found out, such as the claims of a token, by namespace.
    """

    def __init__(
        self, settings: dict[str, Any] | None = None, source: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self.lua = LuaRuntime(unpack_returned_tuples=True)
        self.lua.execute(DOUBLE.read_text(encoding="utf-8"))
        self.settings = settings or {}
        self.metadata = self._table(metadata or {}, numbers_as_text=False)
        self.lua.globals().load_script(source or built_script(with_settings=False), "=build/filter.lua")

    def request(self, headers: Headers = (), body: str | None = None) -> Outcome:
        return self._run("request", headers, body)

    def response(self, headers: Headers = (), body: str | None = None) -> Outcome:
        return self._run("response", headers, body)

    def _run(self, direction: str, headers: Headers, body: str | None) -> Outcome:
        lines = self._table([list(line) for line in headers])
        handle, error = self.lua.globals().run(direction, lines, body, self._table(self.settings), self.metadata)
        if error:
            raise AssertionError(f"the script let an error out, Envoy would pass the message unchanged: {error}")
        return Outcome(
            headers=[(line[1], line[2]) for line in handle.lines.values()],
            body=handle.body_object.bytes if handle.body_object else None,
            reply=dict(handle.reply.headers, body=handle.reply.body) if handle.reply else None,
            logs=list(handle.logs.values()),
        )

    def _table(self, value: Any, numbers_as_text: bool = True) -> Any:
        """JSON as Envoy hands it to a script: numbers of settings become strings."""
        if isinstance(value, dict):
            return self.lua.table_from({key: self._table(item, numbers_as_text) for key, item in value.items()})
        if isinstance(value, (list, tuple)):
            return self.lua.table_from([self._table(item, numbers_as_text) for item in value])
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return json.dumps(value) if is_number and numbers_as_text else value
