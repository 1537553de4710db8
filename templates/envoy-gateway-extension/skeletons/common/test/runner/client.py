"""Sends the requests of cases: by HTTP/1.1, by HTTP/2, or as a WebSocket."""
from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any, AsyncIterator, Callable

import aiohttp
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection, BytesMessage, CloseConnection, Ping, RejectConnection, RejectData, Request, TextMessage,
)  # fmt: skip
from wsproto.utilities import ProtocolError
from yarl import URL

from runner import http2
from runner.cases import Headers, Message
from runner.messages import Seen, chunks, decoded

CASE_ID = "x-test-case-id"
TEST_KEY = b"local-test-key-of-run_cases.py!!"  # of the JWTs that local/envoy.yaml accepts; good for nothing else
# Headers that aiohttp would add by itself; a case is sent exactly as it is written.
NOT_ADDED_TO_REQUESTS = ["Accept", "Accept-Encoding", "User-Agent", "Content-Type"]

Received = Callable[[int], None]  # is told how many bytes of the body the client has


async def send(message: Message, case_id: str, gateway: str, received: Received) -> Seen:
    """Sends a request and returns the response; OSError or aiohttp.ClientError if there is no valid one."""
    url = URL(f"{gateway}{message.path}", encoded=True)
    claims = [("authorization", f"Bearer {signed(message.claims)}")] if message.claims is not None else []
    # In lower case, or aiohttp takes X-A and x-a for two names and sends only one of them.
    headers = [*((name.lower(), value) for name, value in message.headers), *claims, (CASE_ID, case_id)]
    how = {"http1": by_http1, "http2": by_http2, "websocket": by_websocket}[message.protocol]
    return await how(message, url, headers, received)


def signed(claims: dict[str, Any]) -> str:
    """A JWT with these claims that local/envoy.yaml accepts for an hour."""
    encoded = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")  # noqa: E731
    payload = {"exp": int(time.time()) + 3600, **claims}
    parts = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "test", "typ": "JWT"}, payload))
    return b".".join([parts, encoded(hmac.new(TEST_KEY, parts, hashlib.sha256).digest())]).decode()


async def by_http1(message: Message, url: URL, headers: Headers, received: Received) -> Seen:
    # A session per request: no connection is shared, so a closed one cannot fail another case.
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
        # With `Expect: 100-continue`, aiohttp sends the body only when it was told to continue.
        async with session.request(
            message.method,
            url,
            headers=headers,
            skip_auto_headers=NOT_ADDED_TO_REQUESTS,
            data=chunks(message) if message.chunked else message.body,
            allow_redirects=False,
        ) as response:
            body = b""
            async for piece in response.content.iter_any():
                body += piece
                received(len(body))
            return Seen(decoded(response.raw_headers), body, True, response.status)


async def by_http2(message: Message, url: URL, headers: Headers, received: Received) -> Seen:
    def on_data(_: int, stream: http2.Stream) -> None:
        received(len(stream.seen.body))

    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: http2.Connection(True, lambda *_: None, on_data), url.host, url.port
    )
    authority = next((value for name, value in headers if name == "host"), f"{url.host}:{url.port}")
    pseudo = [(":method", message.method), (":scheme", "http"), (":authority", authority), (":path", url.raw_path_qs)]
    stream_id = connection.h2.get_next_available_stream_id()
    stream = connection.streams[stream_id] = http2.Stream(Seen([]))
    has_body = message.body is not None
    sending = asyncio.ensure_future(
        connection.send(
            stream_id,
            [*pseudo, *((name, value) for name, value in headers if name != "host")],
            pieces(message) if has_body else None,
            message.trailers,
        )
    )
    try:
        await stream.arrived.wait()
        if stream.error:
            raise stream.error
    finally:
        sending.cancel()
        connection.transport.close()
    status = next(value for name, value in stream.seen.headers if name == ":status")
    stream.seen.status = int(status)
    return stream.seen


async def pieces(message: Message) -> AsyncIterator[bytes]:
    if message.chunked:
        async for piece in chunks(message):
            yield piece
    else:
        yield message.body or b""


async def by_websocket(message: Message, url: URL, headers: Headers, received: Received) -> Seen:
    """Opens a WebSocket and sends each part of the body as a message, the next one when the one before came back."""
    seen = Seen([])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    connection = WSConnection(ConnectionType.CLIENT)
    unsent = list(message.parts)
    awaited = 0  # bytes that are to come before the next message is sent

    def next_message() -> bytes:
        nonlocal awaited
        if not unsent:
            return connection.send(CloseConnection(code=1000))
        part = unsent.pop(0)
        awaited += len(part)
        try:
            return connection.send(TextMessage(part.decode()))
        except UnicodeDecodeError:
            return connection.send(BytesMessage(part))

    def handle(event: Any) -> bytes:
        if isinstance(event, AcceptConnection):
            seen.status, seen.headers = 101, decoded(event.extra_headers)
            return next_message()
        if isinstance(event, RejectConnection):
            seen.status, seen.headers, seen.complete = event.status_code, decoded(event.headers), not event.has_body
        elif isinstance(event, RejectData):
            seen.body, seen.complete = seen.body + event.data, event.body_finished
        elif isinstance(event, (TextMessage, BytesMessage)):
            seen.body += event.data.encode() if isinstance(event.data, str) else event.data
            received(len(seen.body))
            if event.message_finished and len(seen.body) >= awaited:
                return next_message()
        elif isinstance(event, Ping):
            return connection.send(event.response())
        elif isinstance(event, CloseConnection):
            seen.complete = True
        return b""

    host = next((value for name, value in headers if name == "host"), f"{url.host}:{url.port}")
    others = [(name.encode(), value.encode()) for name, value in headers if name != "host"]
    try:
        writer.write(connection.send(Request(host=host, target=url.raw_path_qs, extra_headers=others)))
        while not seen.complete:
            data = await reader.read(65536)
            try:
                connection.receive_data(data or None)
                for event in connection.events():
                    writer.write(handle(event))
            except ProtocolError as error:
                raise OSError(f"no valid WebSocket: {error}") from error
            if not data and not seen.complete:
                raise OSError("the connection was closed before the WebSocket was")
        return seen
    finally:
        writer.close()
