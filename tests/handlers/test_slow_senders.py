"""Whoever never ends what they send is cut after a while: connections are few, and a stranger may open them."""

import asyncio
from pathlib import Path

import pytest

from tests.handlers.wire import body_of
from tests.world import World, running_world

FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


async def drip(world: World, head: str, body: bytes = b"", *, every: float = 0.1) -> bytes:
    """Send the head, then the body byte by byte; what came back until the bot hung up.

    A byte that meets the end of the connection has the kernel throw away what was not read yet: then once more.
    """
    async with asyncio.timeout(20):
        while True:
            try:
                return await drip_once(world, head, body, every)
            except ConnectionResetError:
                continue


async def drip_once(world: World, head: str, body: bytes, every: float) -> bytes:
    host, _, port = world.sayso.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def send() -> None:
        writer.write(head.encode())
        for byte in body:
            writer.write(bytes([byte]))
            await asyncio.sleep(every)

    sending = asyncio.create_task(send())
    try:
        return await reader.read()
    finally:
        sending.cancel()
        writer.close()


def head_of(world: World, path: str, kind: str, length: int = 900_000) -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\nIdempotency-Key: slow\r\n"
        f"{kind}\r\nContent-Length: {length}\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("path", "kind", "bound"),
    [
        ("/slack/events", FORM, "handlers.ingress.SLOWEST"),
        ("/v1/proposals", JSON, "handlers.body.SLOWEST_BODY"),
        ("/v1/tickets", JSON, "handlers.body.SLOWEST_BODY"),
    ],
)
async def test_a_body_that_never_ends_is_answered_408_and_cut(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, bound: str
) -> None:
    monkeypatch.setattr(bound, 0.3)
    for sent in (b"", b"payload=" + b"x" * 90):  # nothing at all, and a byte now and then, for longer than it may take
        answer = await drip(world, head_of(world, path, kind), sent)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert b"The body did not arrive within 0.3 seconds." in answer


async def test_a_body_that_nobody_waits_for_holds_no_connection_either(world: World) -> None:
    answer = await drip(world, head_of(world, "/v1/proposals", JSON).replace("Bearer ", "Bearer x"))
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_head_that_never_ends_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.IDLE_SECONDS", 0.5)
    async with running_world(tmp_path / "sayso.db") as world:
        assert await drip(world, "") == b""
        assert await drip(world, "POST /slack/events HTTP/1.1\r\nX-Slow: ", b"x" * 100) == b""
        proposed = await world.propose()
        assert (await world.get(proposed["id"], wait=1))["state"] == "pending"  # who waits for an answer is not idle


async def test_a_slow_body_that_ends_in_time_is_taken(world: World) -> None:
    body = body_of()
    head = head_of(world, "/v1/proposals", JSON, len(body)).replace("Host: x", "Host: x\r\nConnection: close")
    answer = await drip(world, head, body, every=0.002)
    assert answer.startswith(b"HTTP/1.1 201 ")
