"""Requests as bytes: what an agent, or somebody who claims to be one, may send to the HTTP interface."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from bot.ports import Query
from tests.world import World, reply


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    json: Any

    @property
    def detail(self) -> str:
        """The sentence of a problem, once it is known to be one in the right form."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        assert self.json["status"] == self.status
        assert self.json["type"] == "about:blank"
        assert self.json["title"]
        return str(self.json["detail"])


async def send(
    world: World, method: str = "POST", path: str = "/v1/proposals", *, body: Any = None, **headers: str | None
) -> Answered:
    """One request: `body` bytes as they are, anything else as JSON; a header of None is left out."""
    sent: dict[str, str | None] = dict(world.headers())
    if body is not None:
        sent["Content-Type"] = "application/json"
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {name: value for name, value in sent.items() if value is not None}
    skip = [] if "Content-Type" in given else ["Content-Type"]
    async with world.http.request(
        method, world.sayso.url + path, data=data, headers=given, skip_auto_headers=skip, allow_redirects=False
    ) as answer:
        text = await answer.text()
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Answered(status=answer.status, headers=found, json=json.loads(text) if text[:1] in "{[" else text)


async def raw(world: World, head: bytes, body: bytes = b"", *, seconds: float = 10) -> bytes:
    """Write these very bytes to the bot's port, and read its first answer."""
    host, _, port = world.sayso.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(head + b"\r\n\r\n" + body)
        await writer.drain()
        async with asyncio.timeout(seconds):
            begun = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(row.split(b":")[1]) for row in begun.lower().split(b"\r\n") if b"content-length:" in row), 0
            )
            return begun + await reader.readexactly(length)
    finally:
        writer.close()


def body_of(**changes: Any) -> bytes:
    """A plain proposal as bytes."""
    return json.dumps(reply(**changes)).encode()


async def count(world: World) -> int:
    """How many proposals there are."""
    return len(await world.sayso.store.read(lambda tx: tx.find(Query(limit=1000))))
