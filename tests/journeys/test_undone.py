"""An approval is taken back while it can be: within its window, before it went out."""

import asyncio
import re
from datetime import timedelta

from aiohttp import web

from bot.slack import ids
from tests.connectors.receiver import Received
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    edit_words,
    lost_for_words,
    obliging,
    painted,
    pass_time,
    refusing,
    story_of,
    told,
    undo,
    until_stored,
)
from tests.world import World


async def test_an_approval_waits_for_its_window_and_then_runs(world: World, shop: Shop, clock: MovableClock) -> None:
    proposed = await world.propose(category="returns")
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await painted(world, card, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=25))
    await until_stored(world, at_rest(clock, 1))
    assert (await world.get(proposed["id"]))["state"] == "approved"
    assert shop.calls == []
    pass_time(world, clock, timedelta(seconds=6))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert ids.UNDO not in str((await painted(world, card, "Sent.")).blocks)
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_what_is_undone_waits_again_and_can_be_decided_otherwise(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    await world.click("U0BEN", await painted(world, old, ids.UNDO), ids.UNDO)
    stands = await world.get(proposed["id"])
    assert (stands["state"], stands["decision"], stands["execution"]) == ("pending", None, None)
    card = await painted(world, old, ids.APPROVE)
    await until_stored(world, at_rest(clock))
    pass_time(world, clock, timedelta(minutes=5))
    await until_stored(world, at_rest(clock))
    assert shop.calls == []
    await edit_words(world, "U0MARIA", card, "Another answer.")
    pass_time(world, clock, timedelta(seconds=31))
    assert (await world.get(proposed["id"], wait=5))["final"] == {"reply": {"text": "Another answer."}}
    assert [effect["reply"]["text"] for effect in shop.effects_of(proposed["id"])] == ["Another answer."]
    assert [kind for kind in await story_of(world, proposed["id"]) if kind.startswith("proposal.")][2:] == [
        "proposal.approved",
        "proposal.undone",
        "proposal.edited",
        "proposal.executed",
    ]


async def test_the_full_case_says_who_undid_what(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(category="returns")
    other = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    pass_time(world, clock, timedelta(seconds=5))
    await world.click("U0BEN", await painted(world, old, ids.UNDO), ids.UNDO)
    pass_time(world, clock, timedelta(minutes=5))
    await world.click("U0BEN", await painted(world, old, ids.APPROVE), ids.APPROVE)
    await world.click("U0BEN", await painted(world, old, ids.UNDO), ids.OPEN)
    said = str((await world.slack.wait_for_view("U0BEN")).blocks)
    places = [said.index(words) for words in ("Approved by Maria", "Approval undone by Ben", "Approved by Ben")]
    assert places == sorted(places)
    assert said.count("undone") == 1
    assert not await world.sayso.store.read(lambda tx: tx.interventions(other["id"]))


async def test_an_undo_that_comes_too_late_is_told_so_and_undoes_nothing(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    card = await painted(world, old, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=31))
    await world.get(proposed["id"], wait=5)
    await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.UNDO)
    await told(world, "U0MARIA", "too late to undo")
    assert (await world.get(proposed["id"]))["state"] == "executed"
    assert len(shop.calls) == 1


async def test_what_is_on_its_way_is_not_undone(world: World, shop: Shop, clock: MovableClock) -> None:
    """The receiver has it and has not answered yet: whoever were told "undone" now would be told a lie."""
    answering = asyncio.Event()

    async def thinks(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        await answering.wait()
        return await obliging(request, received, shop)

    shop.mood = thinks
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    card = await painted(world, old, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=31))
    await shop.arrival()
    for user in ("U0MARIA", "U0BEN"):
        await world.slack.person(user).click("C0REVIEW", card, ids.UNDO)
        await told(world, user, "too late to undo")
    stands = await world.get(proposed["id"])
    assert (stands["state"], stands["decision"]["kind"]) == ("approved", "approved")
    answering.set()
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == len(shop.calls) == 1
    assert "proposal.undone" not in await story_of(world, proposed["id"])


async def test_what_may_have_arrived_at_an_earlier_try_is_not_undone(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = lost_for_words
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    card = await painted(world, old, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=31))
    await painted(world, old, "The first try did not get through")
    await until_stored(world, at_rest(clock, 1))
    await world.slack.person("U0BEN").click("C0REVIEW", card, ids.UNDO)
    await told(world, "U0BEN", "too late to undo")
    assert (await world.get(proposed["id"]))["state"] == "approved"
    shop.mood = obliging
    pass_time(world, clock, timedelta(minutes=1))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_while_it_is_tried_again_its_card_says_so_and_offers_no_undo(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = refusing(503)
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    await painted(world, old, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=31))
    card = await painted(world, old, "The first try did not get through")
    assert "503" in str(card.blocks)
    assert ".. " not in str(card.blocks)
    assert ids.UNDO not in str(card.blocks)
    assert (await world.get(proposed["id"]))["execution"]["status"] == "waiting"
    pass_time(world, clock, timedelta(minutes=1))
    await painted(world, card, "2 tries did not get through")
    shop.mood = obliging
    pass_time(world, clock, timedelta(minutes=5))
    await painted(world, card, "Sent.")
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_an_edit_that_was_undone_keeps_its_wording(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await edit_words(world, "U0MARIA", old, "Better words.")
    await undo(world, clock, "U0MARIA", old)
    card = await painted(world, old, ids.APPROVE)
    assert "Better words." in str(card.blocks)
    await world.click("U0BEN", card, ids.APPROVE)
    pass_time(world, clock, timedelta(seconds=31))
    done = await world.get(proposed["id"], wait=5)
    assert (done["final"], done["decision"]["kind"]) == ({"reply": {"text": "Better words."}}, "edited")


async def test_a_case_without_a_window_offers_no_undo(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    assert ids.UNDO not in str((await painted(world, card, "Approved by")).blocks)


async def test_a_click_from_before_the_undo_counts_no_more(world: World, shop: Shop, clock: MovableClock) -> None:
    """Slack may deliver the first click once more, or somebody may look at a card that was not repainted."""
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    await world.click("U0BEN", await painted(world, old, ids.UNDO), ids.UNDO)
    await world.slack.person("U0MARIA").click("C0REVIEW", old, ids.APPROVE)
    await told(world, "U0MARIA", "This case moved on after you saw it")
    pass_time(world, clock, timedelta(seconds=31))
    await until_stored(world, at_rest(clock))
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


async def paused(world: World, *, go_on: bool = False) -> None:
    """An admin stops every execution, or lets them go on."""
    await world.slack.person("U0LEAD").command(f"/approvals {'resume' if go_on else 'pause'}")


async def test_undoing_a_retry_goes_back_to_the_failure_and_the_key_stays(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """The receiver may have done it on one of its tries: nothing that follows may do it once more."""
    shop.mood = lost_for_words
    proposed = await world.act("refund", {"amount": 180}, category="returns")
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    pass_time(world, clock, timedelta(seconds=31))
    for _ in range(world.sayso.policy.attempts - 1):
        await shop.arrival()
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(minutes=20))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = obliging
    await paused(world)
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await undo(world, clock, "U0BEN", alarm)
    stands = await world.get(proposed["id"])
    assert (stands["state"], stands["decision"]["by"]["id"]) == ("failed", "U0MARIA")
    assert stands["execution"]["error"]
    again = await painted(world, alarm, ids.RETRY)
    assert "It failed" in str(again.blocks)
    assert "Retry undone by" in str(again.blocks)
    await paused(world, go_on=True)
    pass_time(world, clock, timedelta(seconds=2))
    await world.click("U0BEN", again, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1
    assert len({call.headers["Idempotency-Key"] for call in shop.calls}) == 1
    assert [kind for kind in await story_of(world, proposed["id"]) if kind.startswith("proposal.")][-5:] == [
        "proposal.failed",
        "proposal.retried",
        "proposal.undone",
        "proposal.retried",
        "proposal.executed",
    ]
    await world.click("U0BEN", await painted(world, alarm, ids.OPEN), ids.OPEN, "C0OPS")
    said = str((await world.slack.wait_for_view("U0BEN")).blocks)
    told_of = re.findall(r"(?:Approved|Tried again|Retry undone) by \w+", said)
    assert told_of == ["Approved by Maria", "Tried again by Ben", "Retry undone by Ben", "Tried again by Ben"]


async def test_a_refusal_of_a_retry_does_not_forget_that_an_earlier_try_may_have_arrived(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = lost_for_words
    proposed = await world.act("refund", {"amount": 180})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    for _ in range(world.sayso.policy.attempts - 1):
        await shop.arrival()
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(minutes=20))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = refusing(403)
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    again = await painted(world, alarm, "answered 403")
    shop.mood = obliging
    pass_time(world, clock, timedelta(seconds=2))
    await world.click("U0BEN", again, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_what_is_taken_back_after_its_time_expires_and_nobody_says_that_no_one_decided(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(category="returns", expires_in=60)
    card = await world.card(proposed["id"])
    pass_time(world, clock, timedelta(seconds=50))
    await world.click("U0MARIA", card, ids.APPROVE)
    undo = await painted(world, card, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=20))
    await world.click("U0MARIA", undo, ids.UNDO)
    done = await world.get(proposed["id"], wait=5)
    said = "its approval was taken back when its time was already over"
    assert (done["state"], done["decision"]["kind"], done["decision"]["reason"]) == ("expired", "expired", said)
    now = await painted(world, card, said)
    notice = await world.message("C0OPS", said)
    assert "nobody decided" not in str(now.blocks) + str(notice)
    assert (await story_of(world, proposed["id"]))[-2:] == ["proposal.undone", "proposal.expired"]
    assert shop.calls == []


async def test_what_is_taken_back_in_time_and_then_left_expires_as_ever(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(category="returns", expires_in=60)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await undo(world, clock, "U0MARIA", card)
    await painted(world, card, ids.APPROVE)
    pass_time(world, clock, timedelta(seconds=61))
    assert (await world.get(proposed["id"], wait=5))["state"] == "expired"
    await world.message("C0OPS", "nobody decided in time")


async def test_the_second_half_of_a_double_click_on_approve_takes_nothing_back(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """The card is repainted in between, and on some screens Undo then lies under the pointer."""
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    decided = await painted(world, old, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=1))
    await world.click("U0MARIA", decided, ids.UNDO)
    said = await told(world, "U0MARIA", "You approved this a moment ago")
    assert said.text == (
        "Reply to Ana Lopez: You approved this a moment ago, so this second click was not taken; "
        "click again if you mean it."
    )
    assert (await world.get(proposed["id"]))["state"] == "approved"
    await world.click("U0BEN", decided, ids.UNDO)
    assert (await world.get(proposed["id"]))["state"] == "pending", "another person's click is no double click"


async def test_whoever_clicks_again_and_means_it_takes_it_back(world: World, shop: Shop, clock: MovableClock) -> None:
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    await undo(world, clock, "U0MARIA", old)
    card = await painted(world, old, "Approval undone by")
    assert "U0MARIA" in str(card.blocks)
    await world.click("U0MARIA", card, ids.ESCALATE)
    await told(world, "U0MARIA", "You took this back a moment ago")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    pass_time(world, clock, timedelta(seconds=2))
    await world.click("U0MARIA", card, ids.APPROVE)
    assert "undone" not in str((await painted(world, card, ids.UNDO)).blocks)


async def test_a_clock_that_was_set_back_does_not_keep_anybody_from_an_undo(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(category="returns")
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    decided = await painted(world, old, ids.UNDO)
    clock.ahead -= timedelta(hours=1)
    await world.click("U0MARIA", decided, ids.UNDO)
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def unheard(world: World, clock: MovableClock, user: str) -> bool:
    """Whether this person was told nothing, once all is said."""
    await until_stored(world, at_rest(clock))
    return not world.slack.world.ephemerals.get(user)


async def test_whoever_comes_second_at_an_undo_is_told_who_took_it_back_and_when(
    world: World, clock: MovableClock
) -> None:
    proposed = await world.propose(category="returns")
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    decided = await painted(world, card, ids.UNDO)
    await world.click("U0BEN", decided, ids.UNDO)
    pass_time(world, clock, timedelta(minutes=2))
    await world.slack.person("U0MARIA").click("C0REVIEW", decided, ids.UNDO)
    await told(world, "U0MARIA", "Ben took this back 2 minutes ago.")
    await world.slack.person("U0BEN").click("C0REVIEW", decided, ids.UNDO)
    assert await unheard(world, clock, "U0BEN")


async def test_at_an_undo_of_an_escalated_case_the_loser_hears_of_the_undo(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(category="returns")
    await world.click("U0BEN", await world.card(proposed["id"]), ids.ESCALATE)
    pass_time(world, clock, timedelta(minutes=5))
    card = await world.card(proposed["id"], "C0ESCALATE")
    await world.click("U0LEAD", card, ids.APPROVE, "C0ESCALATE")
    decided = await painted(world, card, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=2))
    await world.click("U0LEAD", decided, ids.UNDO, "C0ESCALATE")
    await world.slack.person("U0MARIA").click("C0ESCALATE", decided, ids.UNDO)
    await told(world, "U0MARIA", "Lena took this back just now.")


async def test_at_an_undo_of_a_retry_the_loser_hears_of_the_undo_and_the_winner_nothing(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = refusing(422)
    proposed = await world.act("refund", {"amount": 180})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    await paused(world)
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    decided = await painted(world, alarm, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=2))
    await world.click("U0BEN", decided, ids.UNDO, "C0OPS")
    for user in ("U0BEN", "U0MARIA"):
        await world.slack.person(user).click("C0OPS", decided, ids.UNDO)
    await told(world, "U0MARIA", "Ben took this back just now.")
    assert await unheard(world, clock, "U0BEN")


async def test_an_undo_of_what_has_failed_says_so(world: World, shop: Shop, clock: MovableClock) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose(category="returns")
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    decided = await painted(world, card, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=31))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    await world.slack.person("U0BEN").click("C0REVIEW", decided, ids.UNDO)
    await told(world, "U0BEN", "It is too late to undo this: it was tried, and it failed.")
    await world.click("U0LEAD", alarm, ids.GIVE_UP, "C0OPS")
    await world.slack.person("U0BEN").click("C0REVIEW", decided, ids.UNDO)
    await told(world, "U0BEN", "Lena rejected this just now.")
