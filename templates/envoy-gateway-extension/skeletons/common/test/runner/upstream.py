"""The upstream of the cases: HTTP/1.1, WebSockets and HTTP/2 on one port."""
from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import AsyncIterator, Callable

from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError

from runner import http2
from runner.cases import CannotRun, Case, Message
from runner.client import CASE_ID
from runner.messages import Seen, chunks, decoded

# Headers that aiohttp would add by itself; a case is answered exactly as it is written.
NOT_ADDED_TO_RESPONSES = ["Content-Type", "Date", "Server"]


class Upstream(logging.Handler):
    """Answers as the cases say and records what arrived; as log handler it records what was no valid HTTP."""

    def __init__(self, cases: dict[str, Case]) -> None:
        super().__init__()
        self.cases = cases
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.received: dict[str, int] = defaultdict(int)  # bytes of the response that the client has
        self.errors: list[str] = []
        self.answers: set[asyncio.Task[None]] = set()  # over HTTP/2, while they are sent

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.ERROR or isinstance(cause, HttpProcessingError):
            self.errors.append(f"{record.getMessage()}: {' '.join(str(cause).split())}")

    async def start(self, host: str, port: int) -> int:
        """Listens, for HTTP/1.1 and for HTTP/2 with prior knowledge; returns the port."""
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self.respond)
        app.on_response_prepare.append(self.remove_automatic_headers)
        logger = logging.getLogger("upstream")
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)  # aiohttp does not take some malformed requests for errors
        logger.propagate = False
        self.runner = web.AppRunner(app, access_log=None, logger=logger, shutdown_timeout=0.1, auto_decompress=False)
        await self.runner.setup()
        http1 = self.runner.server
        assert http1
        try:
            self.server = await asyncio.get_running_loop().create_server(lambda: Undecided(http1, self.http2), host, port)
        except OSError as error:
            await self.runner.cleanup()
            raise CannotRun(f"the upstream cannot listen on {host}:{port}: {error}") from error
        return self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        await self.runner.cleanup()

    async def remove_automatic_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name in NOT_ADDED_TO_RESPONSES:
            if name.lower() not in request.get("given", ()):
                response.headers.popall(name, None)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(decoded(request.raw_headers))
        case_id = request.headers.get(CASE_ID, "")
        self.seen[case_id].append(seen)
        if case_id in self.cases and self.cases[case_id].request.protocol == "websocket":
            return await self.echo(request, seen, self.cases[case_id].response)
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
        try:
            async for chunk in self.pieces(answer, case_id):
                await response.write(chunk)
            await response.write_eof()
        except ConnectionResetError:
            pass  # the gateway does not want the rest of a response that it has replaced
        return response

    async def echo(self, request: web.Request, seen: Seen, answer: Message) -> web.WebSocketResponse:
        """Accepts a WebSocket and sends every message back."""
        socket = web.WebSocketResponse()
        socket.headers.extend(answer.headers)
        await socket.prepare(request)
        seen.complete = True  # each message is whole, and the client waits for each
        async for message in socket:
            seen.body += message.data.encode() if message.type == WSMsgType.TEXT else message.data
            if message.type == WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    async def pieces(self, answer: Message, case_id: str) -> AsyncIterator[bytes]:
        """The body of an answer; if it is to be acknowledged, each piece when the client has those before it."""
        sent = 0
        async for chunk in chunks(answer):
            while answer.chunked == "acknowledged" and self.received[case_id] < sent:
                await asyncio.sleep(0.005)  # if it never arrives, the case fails for its time
            yield chunk
            sent += len(chunk)

    def http2(self) -> http2.Connection:
        def on_headers(stream_id: int, stream: http2.Stream) -> None:
            answer = asyncio.ensure_future(self.respond_by_http2(connection, stream_id, stream))
            self.answers.add(answer)
            answer.add_done_callback(self.answers.discard)

        connection = http2.Connection(False, on_headers, lambda *_: None)
        return connection

    async def respond_by_http2(self, connection: http2.Connection, stream_id: int, stream: http2.Stream) -> None:
        case_id = dict(stream.seen.headers).get(CASE_ID, "")
        self.seen[case_id].append(stream.seen)
        await stream.arrived.wait()
        if stream.error:
            return
        if case_id not in self.cases:
            await connection.send(stream_id, [(":status", "500")], None, [])
            return
        answer = self.cases[case_id].response
        headers = [(":status", str(answer.status)), *((name.lower(), value) for name, value in answer.headers)]
        has_body = answer.body is not None and self.cases[case_id].request.method != "HEAD"
        await connection.send(stream_id, headers, self.pieces(answer, case_id) if has_body else None, answer.trailers)


class Undecided(asyncio.Protocol):
    """A connection until its first bytes say which protocol it speaks."""

    def __init__(self, http1: Callable[[], asyncio.Protocol], http2: Callable[[], asyncio.Protocol]) -> None:
        self.http1, self.http2, self.data = http1, http2, b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        beginning = self.data[: len(http2.PREFACE)]
        if http2.PREFACE.startswith(beginning) and len(beginning) < len(http2.PREFACE):
            return
        protocol = self.http2() if beginning == http2.PREFACE else self.http1()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(self.data)
