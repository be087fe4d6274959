"""The HTTP client for callbacks and webhooks: guarded addresses, no redirects, bounded in time and size.

Its errors say the one thing a caller must know before trying again: whether the request may have arrived.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Final, Self

import aiohttp

from bot.address_guard import Guard, Lookup, MayHaveArrived, NotSent, PinnedResolver, UnsafeAddress

__all__ = [
    "Guard",
    "Limits",
    "MayHaveArrived",
    "NotSent",
    "Outbound",
    "PinnedResolver",
    "Response",
    "UnsafeAddress",
]

_CHUNK: Final = 8 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds to connect, between two pieces of an answer, and for the whole; bytes of an answer's body."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0
    body: int = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Response:
    """A whole answer: any status (redirects too, unfollowed), headers by name in any case, the raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class _Progress:
    connected: bool = False
    status: int | None = None


class _TooLarge(Exception):
    pass


class Outbound:
    """Posts to hosts that the guard allows. Use as `async with Outbound(guard) as outbound`."""

    def __init__(self, guard: Guard, *, limits: Limits | None = None, lookup: Lookup | None = None) -> None:
        self._guard = guard
        self._limits = limits or Limits()
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_end.append(_mark_connected)
        # A connection of its own for each request: a kept one that the receiver has just closed would leave
        # it unknown whether the request arrived. No cache of names: each connection is checked anew.
        connector = aiohttp.TCPConnector(
            resolver=PinnedResolver(self._guard, self._lookup),
            use_dns_cache=False,
            force_close=True,
            ssl=ssl.create_default_context(),
        )
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect, sock_read=limits.read),
            trust_env=False,
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "Sayso"},
            trace_configs=[tracing],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Response:
        """Send one request and read the whole answer.

        Raises UnsafeAddress (refused), NotSent (never reached the receiver) or MayHaveArrived (the receiver
        had the connection, but no whole answer came: time ran out, it hung up, or its body is larger than
        the limit).
        """
        if self._session is None:
            raise RuntimeError("Outbound is used inside `async with`.")
        checked = self._guard.check_url(url)
        _check_headers(headers)
        progress = _Progress()
        try:
            async with (
                asyncio.timeout(self._limits.total),
                self._session.post(
                    checked, data=body, headers=headers, allow_redirects=False, trace_request_ctx=progress
                ) as answer,
            ):
                progress.status = answer.status
                content = await self._read(answer)
                return Response(status=answer.status, headers=answer.headers, body=content)
        except (aiohttp.ClientError, OSError, _TooLarge) as error:  # TimeoutError is an OSError
            raise self._explained(str(checked.host), progress, error) from error

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        if (answer.content_length or 0) > self._limits.body:
            raise _TooLarge
        async for chunk in answer.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > self._limits.body:
                raise _TooLarge
        return bytes(content)

    def _explained(self, host: str, progress: _Progress, error: Exception) -> NotSent | MayHaveArrived:
        if not progress.connected:
            return NotSent(f"{host} was not reached: {_before_connection(error)}.")
        match error:
            case _TooLarge():
                what = f"answered {progress.status} with more than {self._limits.body:,} bytes"
            case TimeoutError() if progress.status is not None:
                what = f"answered {progress.status}, but its answer did not end in time"
            case TimeoutError():
                what = "took the connection and did not answer in time"
            case aiohttp.ClientResponseError():
                what = "answered with something that is not HTTP"
            case _:
                what = "hung up before its answer was complete"
        return MayHaveArrived(f"{host} {what}; it may have acted on the request.", status=progress.status)


async def _mark_connected(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceConnectionCreateEndParams
) -> None:
    context.trace_request_ctx.connected = True


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (name + value).isprintable():
            raise NotSent(f"The header {name!a} holds a line break or a control character.")


def _before_connection(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name does not resolve"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientSSLError():
            return "no secure connection came about"
        case TimeoutError():
            return "no connection came about in time"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "it refused the connection"
        case _:
            return "the connection failed"
