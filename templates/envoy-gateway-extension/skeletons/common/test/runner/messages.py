"""Messages as client and upstream send and see them, whatever the protocol."""
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import AsyncIterator

from runner.cases import Headers, Message


@dataclass
class Seen:
    """A message as it arrived. Of a WebSocket, the body is all messages one after the other."""

    headers: Headers
    body: bytes = b""
    complete: bool = False
    status: int = 0
    trailers: Headers = field(default_factory=list)


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


def decoded(raw_headers: object) -> Headers:
    return [(name.decode("latin-1").lower(), value.decode("utf-8", "replace")) for name, value in raw_headers]
