"""HTTP/2 over cleartext with prior knowledge, for client and upstream: what aiohttp does not have, trailers included."""
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import AsyncIterator, Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2 import events
from h2.exceptions import ProtocolError, StreamClosedError

from runner.cases import Headers
from runner.messages import Seen, decoded

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class StreamReset(OSError):
    """The other side gave a stream up before its message was complete."""


@dataclass
class Stream:
    """A message that arrives on a stream; pseudo-headers are among its headers."""

    seen: Seen
    arrived: asyncio.Event = field(default_factory=asyncio.Event)  # all of it, or why it never will
    error: OSError | None = None


class Connection(asyncio.Protocol):
    """One connection. `on_headers` is called with each message as soon as its headers are there."""

    def __init__(self, client_side: bool, on_headers: Callable[[int, Stream], None], on_data: Callable[[int, Stream], None]) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=client_side, header_encoding=None))
        self.streams: dict[int, Stream] = {}
        self.on_headers, self.on_data = on_headers, on_data
        self.may_send = asyncio.Event()  # set and cleared whenever the other side gives way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.h2.initiate_connection()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.fail_all(StreamReset(f"the connection was closed: {error or 'end of file'}"))

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.h2.receive_data(data):
                self.handle(event)
        except ProtocolError as error:
            self.fail_all(StreamReset(f"no valid HTTP/2: {error!r}"))
            self.flush()
            self.transport.close()
            return
        self.flush()

    def handle(self, event: events.Event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, (events.RequestReceived, events.ResponseReceived)):
            if stream is None:
                stream = self.streams[event.stream_id] = Stream(Seen([]))
            stream.seen.headers = decoded(event.headers)
            self.on_headers(event.stream_id, stream)
        elif isinstance(event, events.DataReceived) and stream:
            stream.seen.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.on_data(event.stream_id, stream)
        elif isinstance(event, events.TrailersReceived) and stream:
            stream.seen.trailers = decoded(event.headers)
        elif isinstance(event, events.StreamEnded) and stream:
            stream.seen.complete = True
            stream.arrived.set()
        elif isinstance(event, events.StreamReset) and stream and not stream.seen.complete:
            stream.error = StreamReset(f"the stream was reset with error {event.error_code}")
            stream.arrived.set()
        elif isinstance(event, (events.WindowUpdated, events.RemoteSettingsChanged)):
            self.may_send.set()

    def fail_all(self, error: OSError) -> None:
        for stream in self.streams.values():
            if not stream.seen.complete:
                stream.error = stream.error or error
                stream.arrived.set()
        self.may_send.set()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    async def send(self, stream_id: int, headers: Headers, pieces: AsyncIterator[bytes] | None, trailers: Headers) -> None:
        """Sends a message; ends quietly when the other side wants no more of it."""
        try:
            self.h2.send_headers(stream_id, headers, end_stream=pieces is None and not trailers)
            self.flush()
            if pieces is None and not trailers:
                return
            if pieces is not None:
                async for piece in pieces:
                    await self.send_data(stream_id, piece)
            if trailers:
                self.h2.send_headers(stream_id, trailers, end_stream=True)
            else:
                self.h2.end_stream(stream_id)
            self.flush()
        except StreamClosedError:
            pass

    async def send_data(self, stream_id: int, data: bytes) -> None:
        while data:
            room = min(self.h2.local_flow_control_window(stream_id), self.h2.max_outbound_frame_size)
            if room == 0:
                self.may_send.clear()
                await self.may_send.wait()
                if self.transport.is_closing():
                    raise StreamClosedError(stream_id)
                continue
            self.h2.send_data(stream_id, data[:room])
            self.flush()
            data = data[room:]
