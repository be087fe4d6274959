"""What a request carries: read within bounds of size and of time, whoever sends it."""

import asyncio
from typing import Final

from aiohttp import web

LARGEST_BODY: Final = 1_000_000
SLOWEST_BODY: Final = 30.0


async def read_body(request: web.Request, largest: int = LARGEST_BODY) -> bytes:
    """The raw body of a JSON request; refused unread where it says that it is larger or compressed."""
    if any(coding.strip().lower() != "identity" for coding in request.headers.getall("Content-Encoding", [])):
        raise web.HTTPUnsupportedMediaType(text="Send the body uncompressed.")
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON, with the header `Content-Type: application/json`.")
    return await bounded(request, largest=largest, seconds=SLOWEST_BODY)


async def bounded(request: web.Request, *, largest: int, seconds: float) -> bytes:
    """The raw body; 413 where it is larger, 408 where it takes longer: a sender that never ends holds a connection."""
    if (request.content_length or 0) > largest:
        raise web.HTTPRequestEntityTooLarge(largest, request.content_length or 0, text=_too_large(largest))
    try:
        # What has arrived with its headers, as small bodies do, needs no clock.
        async with asyncio.timeout(None if request.content.is_eof() else seconds):
            body = await request.content.read(largest + 1)
            while len(body) <= largest and (more := await request.content.read(largest + 1 - len(body))):
                body += more
    except TimeoutError:
        late = web.HTTPRequestTimeout(text=f"The body did not arrive within {seconds:g} seconds.")
        late.force_close()
        raise late from None
    if len(body) > largest:
        raise web.HTTPRequestEntityTooLarge(largest, len(body), text=_too_large(largest))
    return body


def _too_large(largest: int) -> str:
    return f"The body is larger than {largest:,} bytes; shorten the conversation."
