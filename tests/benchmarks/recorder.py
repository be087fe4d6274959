"""Clicks as the local Slack posts them, recorded, so that two apps can be given the same bytes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.local_slack import LocalSlack
from bot.slack import ids

Record = Callable[[str, Iterable[str]], Awaitable[list[bytes]]]


@asynccontextmanager
async def recorder(slack: LocalSlack, bot_url: str) -> AsyncIterator[Record]:
    """Gives `record(user, channels)`: what Slack posts as this user approves each card that waits, the oldest first."""
    bodies: list[bytes] = []

    async def keep(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response()

    async def record(user: str, channels: Iterable[str]) -> list[bytes]:
        bodies.clear()
        slack.connect_bot(f"http://127.0.0.1:{runner.addresses[0][1]}")
        waiting = [m for channel in channels for m in slack.messages(channel) if ids.APPROVE in str(m.blocks)]
        for message in sorted(waiting, key=lambda message: message.ts):
            await slack.person(user).click(message.channel, message, ids.APPROVE)
        slack.connect_bot(f"{bot_url}/slack/events")
        return list(bodies)

    server = web.Application()
    server.add_routes([web.post("/", keep)])
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield record
    finally:
        await runner.cleanup()
