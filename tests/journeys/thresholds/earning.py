"""What the journeys of thresholds need: a promise that few labels can keep, draws that are set, and many decisions."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.domain.authority import Person
from bot.domain.decision import Actor, Seen
from bot.domain.proposal import Reply
from bot.domain.standing import Standing
from bot.regimes import standing_of
from tests.journeys.props import SECRET, MovableClock, Shop, shop_policy
from tests.world import POLICY, World, running_world

# First look at 21 labels: n0 = ceil(ln(0.4 / 4) / ln 0.7) = 7.
FIRST_LOOK = 21
EARNED = (
    POLICY.replace("threshold = 0.9\n", "risk = 0.3\naudit = 0.1\n")
    + "\n[limits]\nper_minute = 100000\npending = 10000\n"
)
MARIA = Person(actor=Actor(kind="person", id="U0MARIA", name="Maria"))
LEAD = Person(actor=Actor(kind="person", id="U0LEAD", name="Lena"))
_numbers = itertools.count(1)


class DrawnClock(MovableClock):
    """A clock whose draws are set: 0.99 audits nothing and samples nothing, 0.0 both."""

    def __init__(self) -> None:
        super().__init__()
        self.next_draw = 0.99

    def draw(self) -> float:
        return self.next_draw


def earned_policy(shop: Shop, base: str = EARNED) -> str:
    """The world's policy, where `orders` earns its threshold."""
    return shop_policy(shop, base=base).replace("[defaults]\n", "[defaults]\nconfidence = 0.6\n")


@asynccontextmanager
async def earning_world(database: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    """The world in which `orders` earns its threshold."""
    async with running_world(database, earned_policy(shop), clock=clock, SHOP_SECRET=SECRET) as made:
        yield made


async def one(world: World, *, confidence: float = 0.97, category: str = "orders", **changes: Any) -> dict[str, Any]:
    """A proposal in a conversation of its own."""
    number = next(_numbers)
    conversation = {
        "id": f"talk-{number}",
        "customer": {"name": "Ana Lopez"},
        "messages": [{"role": "customer", "text": "Where is it?"}],
    }
    own = {"conversation": conversation, "key": f"earning-{number}"}
    return await world.propose(category=category, confidence=confidence, **own | changes)


def seen(proposed: dict[str, Any]) -> Seen:
    """What a reviewer of this proposal saw."""
    return Seen(proposal_id=proposed["id"], revision=proposed["revision"], digest=proposed["digest"])


async def teach(world: World, right: int, wrong: int = 0, *, confidence: float = 0.97) -> None:
    """That many decisions of Maria's on held proposals, the wrong ones first, and wait until they are labels."""
    for number in range(right + wrong):
        proposed = await one(world, confidence=confidence)
        assert proposed["ruling"]["verdict"] == "ask", proposed
        if number < wrong:
            await world.sayso.approvals.edit(seen(proposed), Reply(text="Something else."), MARIA)
        else:
            await world.sayso.approvals.approve(seen(proposed), MARIA)
    await learned(world)


async def learned(world: World, seconds: float = 10) -> None:
    """Come back once every decision was learned from."""
    async with asyncio.timeout(seconds):
        while True:
            if not await world.sayso.store.read(lambda tx: tx.lessons(1)):
                return
            await asyncio.sleep(0.005)


async def standing(world: World, category: str = "orders") -> Standing:
    """How a category stands in the store."""
    return await world.sayso.store.read(lambda tx: standing_of(tx, world.sayso.policy, category))


async def go_live(world: World) -> Standing:
    """Earn a threshold with labels that are all right, and let the admin approve the offer."""
    await teach(world, FIRST_LOOK)
    offer = await world.message("C0OPS", "loosen_threshold")
    await world.click("U0LEAD", offer, "sayso_approve", "C0OPS")
    await world.message("C0OPS", "runs on its own from")
    return await standing(world)


async def kinds(world: World) -> list[str]:
    """The kinds of every audit event, in order."""
    return [written.event.kind for written in await world.sayso.store.read(lambda tx: tx.audit_events(limit=100_000))]
