"""Runs a Redis of its own beside the cases, where the settings ask for one."""
from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from pathlib import Path
from typing import AsyncIterator

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "test-password"  # of this Redis only
START_TIMEOUT = 10.0


@contextlib.asynccontextmanager
async def services(folder: Path) -> AsyncIterator[dict[str, str]]:
    store = json.loads((ROOT / "k8s/settings.json").read_text(encoding="utf-8"))["store"]
    if store["kind"] != "redis":
        yield {}
        return
    secret = store["password"] == "secret"
    if secret:
        secrets = ROOT / "build/secrets"
        secrets.mkdir(parents=True, exist_ok=True)
        (secrets / "redis-password").write_text(PASSWORD, encoding="utf-8")
    async with redis(folder, PASSWORD if secret else None) as port:
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}


@contextlib.asynccontextmanager
async def redis(folder: Path, password: str | None) -> AsyncIterator[int]:
    """A redis-server that keeps nothing on disk; gives its port."""
    if not shutil.which("redis-server"):
        raise RuntimeError("there is no redis-server on the path; on Debian and Ubuntu: apt-get install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "redis.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\nsave \"\"\nappendonly no\ndir {folder}\n" + (f"requirepass {password}\n" if password else ""),
        encoding="utf-8",
    )
    with (folder / "redis.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            "redis-server", str(config), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        await accepts(port, child)
        yield port
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def accepts(port: int, child: asyncio.subprocess.Process) -> None:
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        if child.returncode is not None or asyncio.get_running_loop().time() > deadline:
            raise RuntimeError("redis-server does not start; see redis.log")
        await asyncio.sleep(0.05)
