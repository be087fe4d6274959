"""The reference: a Bolt app that only acknowledges, served the same way. Prints its port."""

import asyncio

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from tests.world import BOT_TOKEN, SIGNING_SECRET


async def authorize() -> AuthorizeResult:
    """No call to Slack: the reference does nothing but acknowledge."""
    return AuthorizeResult(enterprise_id=None, team_id="T0LOCAL", bot_token=BOT_TOKEN)


async def main() -> None:
    """Serve until killed."""
    app = AsyncApp(signing_secret=SIGNING_SECRET, authorize=authorize, process_before_response=True)

    @app.action("sayso_approve")
    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    async def deliver(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.add_routes([web.post("/slack/events", deliver)])
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
