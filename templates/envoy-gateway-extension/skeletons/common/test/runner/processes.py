"""Starts and stops Envoy and the external processor."""
from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import aiohttp

from runner.cases import CannotRun

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT = STOP_TIMEOUT = 10.0
ENVOY_START_TIMEOUT = 60.0  # compiling a Wasm module takes its time


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
