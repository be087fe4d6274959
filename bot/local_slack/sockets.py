"""Socket Mode: the app connects to Slack, and payloads come down that connection in envelopes."""

import asyncio
import itertools
import json
import time
from typing import Any

from aiohttp import WSMsgType, web

from bot.local_slack.model import Delivered, Json, SlackError

MOST_CONNECTIONS = 10


class Sockets:
    """The open Socket Mode connections of the app and the envelopes that wait for their acknowledgement."""

    def __init__(self, *, app_id: str) -> None:
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._numbers = itertools.count(1)
        self._pending: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Any]]] = {}
        self._arrived = asyncio.Event()
        self.url = ""

    @property
    def connected(self) -> bool:
        """Whether a payload would go down a socket."""
        return bool(self._open)

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._open)

    async def wait_connected(self, timeout: float = 5.0) -> None:
        """Return when a connection is open."""
        await asyncio.wait_for(self._arrived.wait(), timeout)

    def new_url(self) -> str:
        """Return an address that may be connected to once: the answer of apps.connections.open."""
        ticket = f"ticket-{next(self._numbers)}-{time.time_ns()}"
        self._tickets.add(ticket)
        return f"{self.url}?ticket={ticket}&app_id={self._app_id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection: hello, then envelopes out and acknowledgements in."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response(SlackError("invalid_ticket").as_json(), status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=30.0)
        await socket.prepare(request)
        if len(self._open) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._open) + 1,
                "connection_info": {"app_id": self._app_id},
                "debug_info": {"host": "local", "approximate_connection_time": 18060},
            }
        )
        if request.transport is not None:
            self._transports[socket] = request.transport
        self._open.append(socket)
        self._arrived.set()
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledge(frame.data)
        finally:
            self._forget(socket)
        return socket

    def _acknowledge(self, data: str) -> None:
        try:
            answer = json.loads(data)
        except ValueError:
            return
        if isinstance(answer, dict):
            _, future = self._pending.get(answer.get("envelope_id", ""), (None, None))
            if future is not None and not future.done():
                future.set_result(answer.get("payload", ""))

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
        self._transports.pop(socket, None)
        if not self._open:
            self._arrived.clear()
        for where, future in list(self._pending.values()):
            if where is socket and not future.done():
                future.set_exception(ConnectionError("the socket was cut"))

    async def send(self, kind: str, payload: Json, ack_seconds: float, *, retry: int = 0) -> Delivered:
        """Send one envelope down one of the connections and wait for its acknowledgement."""
        number = next(self._numbers)
        envelope: Json = {
            "envelope_id": f"envelope-{number}",
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        socket = self._open[number % len(self._open)]
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[envelope["envelope_id"]] = (socket, future)
        began = time.perf_counter()
        status, body, error = 200, None, None
        try:
            await socket.send_json(envelope)
            body = await asyncio.wait_for(future, ack_seconds)
        except TimeoutError:
            status, error = 0, "operation_timeout"
        except ConnectionError:
            status, error = 0, "dispatch_failed"
        finally:
            self._pending.pop(envelope["envelope_id"], None)
        return Delivered(status=status, ms=(time.perf_counter() - began) * 1000, body=body, error=error)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to come back on a new one, as Slack does now and then, and close them."""
        for socket in list(self._open):
            await socket.send_json({"type": "disconnect", "reason": reason})
        await self.close()

    async def cut(self) -> None:
        """Break every connection without a word."""
        for socket in list(self._open):
            if socket in self._transports:
                self._transports[socket].abort()
            self._forget(socket)

    async def close(self) -> None:
        """Close every connection properly."""
        for socket in list(self._open):
            self._forget(socket)
            await socket.close()
