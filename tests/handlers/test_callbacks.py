"""Where an agent wants to be called: inside addresses are refused at once, and nothing is followed to one later."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.address_guard import Guard
from bot.waiting import WaitingRoom
from handlers.api import Api, Rate
from handlers.problems import problems
from tests.connectors.receiver import Received
from tests.handlers.wire import body_of, count, send
from tests.journeys.props import MovableClock, Shop, at_rest, open_shop, pass_time, until_stored
from tests.world import World, running_world

INSIDE = (
    "http://127.0.0.1/x",
    "https://127.0.0.1/x",
    "https://127.1/x",
    "https://127.0.0.1:8443/x",
    "https://localhost/x",
    "https://localhost./x",
    "https://LOCALHOST/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:7f00:1]/x",
    "https://[0:0:0:0:0:0:0:1]/x",
    "https://[::]/x",
    "https://[fe80::1]/x",
    "https://[fd00::1]/x",
    "https://0x7f000001/x",
    "https://2130706433/x",
    "https://0177.0.0.1/x",
    "https://0.0.0.0/x",
    "https://169.254.169.254/latest/meta-data",
    "http://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/x",
    "https://192.168.1.1/x",
    "https://100.64.0.1/x",
    "https://hooks.example.com@169.254.169.254/x",
    "https://user:pass@hooks.example.com/x",
    "https://hooks.example.com:80@127.0.0.1/x",
    "https://hooks.example.com\\@127.0.0.1/x",
    "https://hooks.example.com#@127.0.0.1/x",
    "https://hooks.example.com.evil.example/x",
    "https://evil.example/hooks.example.com",
    "https://hooks.example.com:8443/x",
    "http://hooks.example.com/x",
    "ftp://hooks.example.com/x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//hooks.example.com/x",
    "hooks.example.com/x",
    "https://",
    "https:///x",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nHost: evil",
    "https://hooks.exаmple.com/x",
    "https://hooks.example.com。/x",
    "https://%68ooks.example.com/x",
    "",
    "https://hooks.example.com/" + "x" * 2_000,
)


@pytest.fixture
async def strict(world: World) -> AsyncIterator[str]:
    """The same interface as it stands away from local mode: one host is listed, and this machine is not."""
    sayso = world.sayso
    api = Api(
        approvals=sayso.approvals,
        store=sayso.store,
        tokens=sayso.tokens,
        waiting=WaitingRoom(sayso.store),
        guard=Guard(allowed_hosts=frozenset({"hooks.example.com"}), allow_loopback_http=False),
        rate=Rate(10_000),
    )
    app = web.Application(middlewares=[problems])
    app.add_routes(api.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_address_that_leads_inside_or_that_nobody_listed_is_refused_at_once(world: World, strict: str) -> None:
    for url in INSIDE:
        headers = world.headers() | {"Content-Type": "application/json"}
        async with world.http.post(f"{strict}/v1/proposals", data=body_of(callback_url=url), headers=headers) as answer:
            assert answer.status == 422, url
            assert (await answer.json())["detail"], url
    assert await count(world) == 0
    good = body_of(callback_url="https://hooks.example.com/sayso?x=1")
    headers = world.headers() | {"Content-Type": "application/json"}
    async with world.http.post(f"{strict}/v1/proposals", data=good, headers=headers) as answer:
        assert answer.status == 201


async def test_local_mode_calls_this_machine_and_nothing_else_inside(world: World) -> None:
    for url in INSIDE:
        if url.startswith(
            ("http://127.0.0.1/", "https://127.0.0.1", "https://localhost/", "https://LOCALHOST", "https://[::1]")
        ):
            continue
        if url == "https://[0:0:0:0:0:0:0:1]/x":
            continue
        answer = await send(world, body=body_of(callback_url=url))
        assert answer.status == 422, url
    assert await count(world) == 0


@pytest.fixture
async def ear() -> AsyncIterator[Shop]:
    async with open_shop() as made:
        yield made


@pytest.mark.parametrize("kind", ["redirect", "huge", "error"])
async def test_an_answer_that_is_no_thanks_is_tried_again_and_never_followed(
    tmp_path: Path, ear: Shop, kind: str
) -> None:
    async def answer(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        if kind == "redirect":
            return web.Response(status=302, headers={"Location": f"{shop.url}/inside"})
        return web.Response(body=b"x" * 200_000) if kind == "huge" else web.Response(status=500)

    async def thanks(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        return web.Response(status=204)

    ear.mood = answer
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        await world.propose(category="orders", callback_url=f"{ear.url}/sayso")
        await ear.arrival()
        await until_stored(world, at_rest(clock, 1))
        ear.mood = thanks
        pass_time(world, clock, timedelta(minutes=1))
        await ear.arrival()
        await until_stored(world, at_rest(clock))
    assert [call.path for call in ear.calls] == ["/sayso", "/sayso"]


async def test_an_address_that_is_gone_is_never_called_again_and_the_team_hears_of_it(
    tmp_path: Path, ear: Shop
) -> None:
    async def gone(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        return web.Response(status=410)

    ear.mood = gone
    async with running_world(tmp_path / "sayso.db") as world:
        await world.propose(category="orders", callback_url=f"{ear.url}/sayso")
        await world.message("C0OPS", "410 Gone")
    assert len(ear.calls) == 1
