"""Two people decide the same case in the same moment: one of them wins, and the other is told who did."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from bot.local_slack.model import Delivered, Message
from bot.slack import ids
from tests.journeys.props import Shop, open_edit, open_reject, story_of, the_chain_holds, told, words_block
from tests.world import World

RACES = 200
MOVES = ("approve", "edit", "reject", "escalate")
BECOMES = {"approve": "approved", "edit": "edited", "reject": "rejected", "escalate": "escalated"}
NAMES = {"U0BEN": "Ben", "U0OTHER": "Otto"}
Go = Callable[[], Awaitable[Delivered]]


async def ready(world: World, user: str, move: str, card: Message) -> Go:
    """All that comes before the last click of a move is done: what is left is the race."""
    person = world.slack.person(user)
    if move == "edit":
        edit = await open_edit(world, user, card)
        return lambda: person.submit(edit, {words_block(edit): f"{NAMES[user]} wrote this."})
    if move == "reject":
        reject = await open_reject(world, user, card)
        return lambda: person.submit(reject)
    action = ids.APPROVE if move == "approve" else ids.ESCALATE
    return lambda: person.click(card.channel, card, action)


async def the_loser_is_told(world: World, user: str, winner: str, move: str, answer: Delivered, since: str) -> None:
    """Under the field of the window that is still open, or in a line that only they see."""
    if move in ("edit", "reject"):
        assert answer.body["response_action"] == "errors"
        assert f"{NAMES[winner]} " in str(answer.body["errors"]), answer.body
        await world.slack.person(user).close(world.slack.person(user).view)  # type: ignore[arg-type]  # it is open
    else:
        line = await told(world, user, since=since)
        assert line.text.startswith(f"Reply to Ana Lopez: {NAMES[winner]} "), line.text
        assert "this" in line.text
        assert line.text.endswith(("ago.", "just now."))


async def race(world: World, first: str, second: str) -> dict[str, Any]:
    """One case, two people, two moves at once: the case as it stands afterwards."""
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    wishes = {"U0BEN": first, "U0OTHER": second}
    goes = {user: await ready(world, user, move, card) for user, move in wishes.items()}
    since = world.slack.world.new_ts()
    answers = dict(zip(goes, await asyncio.gather(*(go() for go in goes.values())), strict=True))
    stands = await world.get(proposed["id"])
    winner = stands["decision"]["by"]["id"]
    (loser,) = set(wishes) - {winner}
    assert stands["decision"]["kind"] == BECOMES[wishes[winner]]
    assert answers[winner].ok, answers[winner]
    await the_loser_is_told(world, loser, winner, wishes[loser], answers[loser], since)
    assert [line for line in world.slack.ephemerals(winner) if line.ts > since] == []
    return stands | {"winner": winner}


async def test_two_hundred_races_have_one_winner_each_and_one_effect(world: World, shop: Shop) -> None:
    pairs = list(itertools.islice(itertools.cycle(itertools.product(MOVES, MOVES)), RACES))
    random.Random(1).shuffle(pairs)
    wins: Counter[str] = Counter()
    ran: dict[str, str] = {}
    for first, second in pairs:
        stands = await race(world, first, second)
        wins[stands["winner"]] += 1
        moves = [kind for kind in await story_of(world, stands["id"]) if kind.partition(".")[2] in BECOMES.values()]
        assert moves == [f"proposal.{stands['decision']['kind']}"]
        if stands["decision"]["kind"] in ("approved", "edited"):
            words = f"{NAMES[stands['winner']]} wrote this."
            ran[stands["id"]] = words if stands["decision"]["kind"] == "edited" else "Your refund was sent on Monday."
    for proposal_id in ran:
        assert (await world.get(proposal_id, wait=10))["state"] == "executed"
    assert {effect["id"]: effect["reply"]["text"] for effect in shop.effects.values()} == ran
    assert len(shop.effects) == len(shop.calls) == len(ran)
    assert sum(wins.values()) == RACES
    assert await the_chain_holds(world)


async def test_sixteen_people_at_once_have_one_winner(world: World, shop: Shop) -> None:
    crowd = [f"U0CROWD{n:02d}" for n in range(16)]
    for user in crowd:
        world.slack.add_user(user.lower(), real_name=f"Crowd {user[-2:]}", id=user)
    world.slack.set_group_users("S0SUPPORT", crowd)
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await asyncio.gather(*(world.click(user, card, ids.APPROVE) for user in crowd))
    winner = (await world.get(proposed["id"], wait=5))["decision"]["by"]
    for user in set(crowd) - {winner["id"]}:
        line = await told(world, user)
        assert line.text.startswith(f"Reply to Ana Lopez: {winner['name']} approved this"), line.text
    assert world.slack.ephemerals(winner["id"]) == []
    assert len(shop.effects) == len(shop.calls) == 1
