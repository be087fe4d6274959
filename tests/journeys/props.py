"""What the journeys need besides the world: a clock that can be moved, and a shop that carries out what it is told."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bot.audit_log import check_chain
from bot.clock import SystemClock
from bot.local_slack import LocalSlack
from bot.local_slack.model import Delivered, Message, View
from bot.ports import Reader
from bot.slack import ids
from bot.tokens import Scope
from tests.connectors.receiver import Received, hang_up, receiving
from tests.world import BOT_TOKEN, POLICY, SIGNING_SECRET, World, people, running_bot

SECRET = "whsec_" + base64.b64encode(b"a secret of the shop, 32 bytes..").decode()


class MovableClock(SystemClock):
    """The machine's own clock, some time ahead: time passes in a journey without anybody waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def pass_time(world: World, clock: MovableClock, span: timedelta) -> None:
    """Let this much time pass, and wake what sleeps until then."""
    clock.ahead += span
    world.sayso.relay._wake.set()
    world.sayso.relay._stirred.set()


Mood = Callable[[web.Request, Received, "Shop"], Awaitable[web.StreamResponse]]


async def obliging(request: web.Request, received: Received, shop: "Shop") -> web.StreamResponse:
    """Do it, once for each idempotency key, and say so."""
    return web.json_response({"order": shop.do(received)})


async def lost_for_words(request: web.Request, received: Received, shop: "Shop") -> web.StreamResponse:
    """Do it, and break the line instead of answering."""
    shop.do(received)
    return hang_up(request)


async def listening(request: web.Request, received: Received, shop: "Shop") -> web.StreamResponse:
    """Take a callback."""
    return web.Response(status=204)


def refusing(status: int) -> Mood:
    """Do nothing, and say so."""

    async def answer(request: web.Request, received: Received, shop: "Shop") -> web.StreamResponse:
        return web.json_response({"error": "no such order"}, status=status)

    return answer


@dataclass(kw_only=True)
class Shop:
    """A webhook's receiver: what it was asked, what it did (by idempotency key), and its mood."""

    url: str = ""
    mood: Mood = obliging
    calls: list[Received] = field(default_factory=list)
    effects: dict[str, Any] = field(default_factory=dict)
    arrivals: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)

    def do(self, received: Received) -> int:
        """Have the effect, if this key did not have it before; the number of the effect."""
        self.effects.setdefault(received.headers["Idempotency-Key"], received.json)
        return list(self.effects).index(received.headers["Idempotency-Key"]) + 1

    def effects_of(self, proposal_id: str) -> list[Any]:
        """What was really done for this proposal."""
        return [done for done in self.effects.values() if done["id"] == proposal_id]

    async def arrival(self, seconds: float = 10) -> Received:
        """The next call, once it is there."""
        return await asyncio.wait_for(self.arrivals.get(), seconds)


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """A shop on a free port."""
    shop = Shop()

    async def answer(request: web.Request, received: Received) -> web.StreamResponse:
        shop.calls.append(received)
        shop.arrivals.put_nowait(received)
        return await shop.mood(request, received, shop)

    async with receiving(answer) as receiver:
        shop.url = receiver.url
        yield shop


def shop_policy(shop: Shop, *, idempotent: bool = True, base: str = POLICY) -> str:
    """The world's policy, with the shop as what carries everything out, and a category that can be undone."""
    return f"""{base}
[categories.returns]
mode = "suggest"
undo_window = "30s"

[defaults]
connector = "webhook:shop"

[connectors.shop]
type = "webhook"
url = "{shop.url}/do"
secret_env = "SHOP_SECRET"
idempotent = {str(idempotent).lower()}
"""


@asynccontextmanager
async def empty_slack() -> AsyncIterator[LocalSlack]:
    """A local Slack with the team, before any bot is connected."""
    async with LocalSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET) as slack:
        people(slack)
        yield slack


@asynccontextmanager
async def bot_on(
    slack: LocalSlack, database: Path, policy: str, clock: MovableClock, token: str | None = None
) -> AsyncIterator[World]:
    """The bot on this Slack and this database: it can be started again with the `token` of its first life."""
    async with (
        running_bot(slack, database, policy, clock, SHOP_SECRET=SECRET) as sayso,
        aiohttp.ClientSession() as http,
    ):
        made = token or await sayso.tokens.create("shop-ai", Scope.PROPOSE)
        yield World(slack=slack, sayso=sayso, http=http, token=made)


async def until_stored(world: World, check: Callable[[Reader], bool], seconds: float = 10) -> None:
    """Come back once the database says so."""
    async with asyncio.timeout(seconds):
        while True:
            if await world.sayso.store.read(check):
                return
            await asyncio.sleep(0.005)


def at_rest(clock: MovableClock, errands: int = 0) -> Callable[[Reader], bool]:
    """Whether this many errands wait for their time, and none is due or under way."""

    def check(tx: Reader) -> bool:
        size, due = tx.outbox_size(), tx.next_due()
        return size.get("ready", 0) == errands and not size.get("leased") and (due is None or due > clock.now())

    return check


async def story_of(world: World, proposal_id: str) -> list[str]:
    """What the audit log says happened to a proposal, in order."""
    events = await world.sayso.store.read(lambda tx: tx.audit_events(limit=100_000))
    return [written.event.kind for written in events if written.event.proposal_id == proposal_id]


async def the_chain_holds(world: World) -> bool:
    """Whether every audit event fits the one before it."""
    _, fault = await check_chain(world.sayso.store)
    return fault is None


def cards_of(slack: LocalSlack, proposal_id: str, channel: str = "C0REVIEW") -> list[Message]:
    """Every message of a channel that is a card of this proposal, as it stands now."""
    return [m for m in slack.messages(channel) if f"sayso:{proposal_id}:" in str(m.blocks)]


def buttons_of(message: Message) -> list[str]:
    """The action ids of a message's buttons and menus, in order."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [str(element["action_id"]) for row in rows for element in row]


def notices(slack: LocalSlack) -> list[Message]:
    """What stands in the ops channel, but for the daily line about the audit log."""
    return [message for message in slack.messages("C0OPS") if "The audit log today" not in message.text]


async def painted(world: World, card: Message, saying: str, seconds: float = 10) -> Message:
    """That very card, once it says this."""
    return await world.slack.wait_for_message(
        card.channel, lambda m: m.ts == card.ts and saying in str(m.blocks), seconds
    )


async def undo(world: World, clock: MovableClock, user: str, card: Message) -> None:
    """Click Undo as somebody who means it, and not with the second half of a double click."""
    decided = await painted(world, card, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=2))
    await world.click(user, decided, ids.UNDO, card.channel)


async def withdraw(world: World, proposal_id: str, token: str | None = None) -> tuple[int, dict[str, Any]]:
    """POST …/withdraw: the status and the document."""
    url = f"{world.sayso.url}/v1/proposals/{proposal_id}/withdraw"
    async with world.http.post(url, headers=world.headers(token=token)) as answer:
        return answer.status, await answer.json()


async def told(world: World, user: str, saying: str = "", *, since: str = "0", seconds: float = 15) -> Message:
    """The line that only this user sees."""
    return await world.slack.wait_for_ephemeral(user, lambda m: saying in m.text and m.ts > since, seconds)


async def open_edit(world: World, user: str, card: Message) -> View:
    """Click Edit; the window that opens."""
    await world.click(user, card, ids.EDIT, card.channel)
    return await world.slack.wait_for_view(user)


async def open_reject(world: World, user: str, card: Message) -> View:
    """Choose Reject… from the menu; the window that opens."""
    await world.choose(user, card, ids.REJECT_OPTION, card.channel)
    return await world.slack.wait_for_view(user)


async def mark_wrong(world: World, user: str, line: Message, proposal_id: str) -> None:
    """Choose "This was wrong" from the menu of a line of the log, as it was when this message was seen."""
    await world.slack.person(user).choose("C0LOG", line, ids.LOG_MORE, f"{ids.WRONG_OPTION}|{proposal_id}")


def words_block(view: View) -> str:
    """The block of the field in which the reply stands."""
    return next(str(b["block_id"]) for b in view.blocks if b["block_id"].startswith(ids.TEXT_BLOCK))


async def edit_words(world: World, user: str, card: Message, text: str, **more: Any) -> Delivered:
    """Edit the reply of a card, and submit."""
    view = await open_edit(world, user, card)
    return await world.slack.person(user).submit(view, {words_block(view): text, **more})
