"""The policy is made stricter while something is approved and not out yet: people are asked again."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.proposal import Message
from bot.local_slack import LocalSlack
from bot.relay import TAKEN_BACK_AT_ONCE
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    cards_of,
    empty_slack,
    listening,
    mark_wrong,
    obliging,
    open_shop,
    painted,
    pass_time,
    refusing,
    shop_policy,
    story_of,
    told,
    until_stored,
)
from tests.journeys.test_policy_tightened import FREE
from tests.world import World

LATER = timedelta(seconds=31)
ESCALATES = 'escalate_when = "args.amount > 100"\n'


async def approved(slack: LocalSlack, database: Path, policy: str, clock: MovableClock, user: str) -> tuple[str, str]:
    """A refund that this person approved and that waits for its time to be undone: the token and the case's id."""
    async with bot_on(slack, database, policy, clock) as world:
        proposed = await world.act("refund", {"amount": 180}, category="returns")
        card = await world.card(proposed["id"])
        await world.click(user, card, ids.APPROVE)
        await painted(world, card, ids.UNDO)
        return world.token, str(proposed["id"])


async def reasons_of(world: World, proposal_id: str, kind: str) -> list[Any]:
    """Why, in the audit log, by each event of this kind."""
    events = await world.sayso.store.read(lambda tx: tx.audit_events(limit=100_000, kinds=[kind]))
    return [e.event.payload.get("reason") for e in events if e.event.proposal_id == proposal_id]


async def pause(world: World) -> None:
    await world.slack.person("U0LEAD").command("/approvals pause because it answers nonsense")


async def resume(world: World, first: str = "") -> None:
    """Let executions go on, once `first` was said."""
    lena = world.slack.person("U0LEAD")
    if first:
        await lena.command(f"/threshold {first} because it answers nonsense")
    await lena.command("/approvals resume")


async def test_what_goes_to_the_escalation_team_by_now_is_taken_back_and_they_are_asked(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, case = await approved(slack, database, policy, clock, "U0BEN")
        async with bot_on(slack, database, policy.replace(FREE, FREE + ESCALATES), clock, token) as world:
            pass_time(world, clock, LATER)
            card = await world.card(case, "C0ESCALATE")
            stands = await world.get(case)
            assert (stands["state"], stands["decision"], stands["execution"]) == ("escalated", None, None)
            why = "refund goes to the escalation team when args.amount > 100."
            assert (stands["ruling"]["verdict"], stands["ruling"]["reason"]) == ("escalate", why)
            assert why in str(card.blocks)
            notice = await world.message("C0OPS", "A case was escalated.")
            assert why in str(notice.blocks)
            await told(world, "U0BEN", "what you approved did not go out.")
            await painted(world, (await world.card(case)), "It is with the escalation team now.")
            assert await reasons_of(world, case, "proposal.undone") == [why]
            assert shop.calls == []
            await world.click("U0LEAD", card, ids.APPROVE, "C0ESCALATE")
            pass_time(world, clock, LATER)
            assert (await world.get(case, wait=5))["state"] == "executed"
            assert len(shop.calls) == 1
            assert await story_of(world, case) == [
                *("proposal.submitted", "proposal.ruled", "proposal.approved"),
                *("proposal.undone", "proposal.ruled", "proposal.approved", "proposal.executed"),
            ]
            await world.click("U0LEAD", await painted(world, card, "Done."), ids.OPEN, "C0ESCALATE")
            said = str((await world.slack.wait_for_view("U0LEAD")).blocks)
            assert re.findall(r"(?:Approved|Approval undone) by \w+(?: \w+)?", said) == [
                *("Approved by Ben", "Approval undone by the policy", "Approved by Lena")
            ]


async def test_what_somebody_of_the_escalation_team_approved_goes_out(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, case = await approved(slack, database, policy, clock, "U0MARIA")
        async with bot_on(slack, database, policy.replace(FREE, FREE + ESCALATES), clock, token) as world:
            pass_time(world, clock, LATER)
            assert (await world.get(case, wait=5))["state"] == "executed"
            assert len(shop.calls) == 1


async def test_what_the_escalation_team_approved_because_the_policy_asks_for_it_is_not_asked_again(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    """Otto is one of them through a group, which is known at the click and not when it goes out."""
    database = tmp_path / "sayso.db"
    policy = shop_policy(shop).replace('escalation = ["U0LEAD", "U0MARIA"]', 'escalation = ["S0SUPPORT"]')
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            case, token = (await world.act("refund", {"amount": 180}, category="returns"))["id"], world.token
            card = await world.card(case)
        async with bot_on(slack, database, policy.replace(FREE, FREE + ESCALATES), clock, token) as world:
            await world.click("U0OTHER", card, ids.APPROVE)
            await painted(world, card, ids.UNDO)
            pass_time(world, clock, LATER)
            assert (await world.get(case, wait=5))["state"] == "executed"
            assert (await story_of(world, case)).count("proposal.undone") == 0


async def test_where_more_approvals_are_asked_for_the_one_that_was_given_counts(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, case = await approved(slack, database, policy, clock, "U0BEN")
        async with bot_on(slack, database, policy.replace(FREE, f"{FREE}approvals = 2\n"), clock, token) as world:
            pass_time(world, clock, LATER)
            card = await world.card(case, saying="1 of 2 approvals")
            why = "The policy asks for 2 approvals by now; it was 1 when this was approved."
            assert why in str(card.blocks) and "'user_id': 'U0BEN'" in str(card.blocks)
            assert (await world.get(case))["state"] == "pending"
            await told(world, "U0BEN", why)
            await world.click("U0BEN", card, ids.APPROVE)
            await told(world, "U0BEN", "another person has to approve it too")
            assert shop.calls == []
            await world.click("U0MARIA", card, ids.APPROVE)
            pass_time(world, clock, LATER)
            assert (await world.get(case, wait=5))["state"] == "executed"
            assert len(shop.calls) == 1


async def test_a_category_that_goes_to_the_escalation_team_by_now_takes_an_approval_back(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(category="returns")
    card = await world.card(proposed["id"])
    await world.click("U0BEN", card, ids.APPROVE)
    await painted(world, card, ids.UNDO)
    await world.slack.person("U0LEAD").command("/threshold returns escalate because of fraud")
    pass_time(world, clock, LATER)
    await world.card(proposed["id"], "C0ESCALATE", "Everything in returns goes to the escalation team by now.")
    assert (await world.get(proposed["id"]))["state"] == "escalated"
    assert shop.calls == []


async def test_what_the_customer_wrote_meanwhile_voids_the_approvals_of_what_is_taken_back(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, case = await approved(slack, database, policy, clock, "U0BEN")
        async with bot_on(slack, database, policy.replace(FREE, f"{FREE}approvals = 2\n"), clock, token) as world:
            more = Message(role="customer", text="It is 18, not 180.")
            approvals = world.sayso.approvals
            await world.sayso.store.transact(lambda tx: approvals.customer_wrote(tx, tx.proposal(case), more))
            pass_time(world, clock, LATER)
            await world.card(case, saying="0 of 2 approvals")


@pytest.mark.parametrize("change", ["orders 0.99", "orders hold", "orders suggest"])
async def test_what_would_have_run_on_its_own_waits_for_a_person_once_the_category_is_stricter(
    world: World, shop: Shop, clock: MovableClock, change: str
) -> None:
    await pause(world)
    proposed = await world.propose(category="orders", reply={"text": "Nonsense."})
    line = await world.message("C0LOG", "Nonsense.")
    await resume(world, change)
    card = await world.card(proposed["id"])
    stands = await world.get(proposed["id"])
    assert (stands["state"], stands["decision"], stands["ruling"]["verdict"]) == ("pending", None, "ask")
    assert stands["ruling"]["reason"] in str(card.blocks)
    assert await reasons_of(world, proposed["id"], "proposal.undone") == [stands["ruling"]["reason"]]
    now = await painted(world, line, "It did not go out on its own.")
    assert "✋" in str(now.blocks) and "This was wrong" not in str(now.blocks)
    assert now.text == "None ran on its own"
    await until_stored(world, at_rest(clock))
    assert shop.calls == []
    await world.click("U0BEN", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_what_would_have_run_on_its_own_goes_to_the_escalation_team_and_its_agent_hears_just_that(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    async with open_shop() as ear:
        ear.mood = listening
        await pause(world)
        proposed = await world.propose(category="orders", callback_url=f"{ear.url}/sayso")
        await resume(world, "orders escalate")
        await world.card(proposed["id"], "C0ESCALATE", "Everything in orders goes to the escalation team.")
        call = (await ear.arrival()).json
        assert (call["type"], call["data"]["state"], call["data"]["closed"]) == (
            *("proposal.escalated", "escalated"),
            False,
        )
        await until_stored(world, at_rest(clock))
        assert len(ear.calls) == 1
        assert cards_of(world.slack, proposed["id"]) == []
        assert shop.calls == []


async def test_a_whole_backlog_is_taken_back_and_what_nobody_objects_to_goes_out(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    await pause(world)
    sure = [await world.propose(category="orders", confidence=c, reply={"text": f"{c}"}) for c in (0.92, 0.999, 0.93)]
    other = await world.propose(category="orders", confidence=0.995, conversation={"id": "two", "messages": []})
    line = await world.message("C0LOG", "0.92")
    await resume(world, "orders 0.99")
    for proposed in (sure[1], other):
        assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    for proposed in (sure[0], sure[2]):
        assert (await world.until(proposed["id"], "pending"))["decision"] is None
    await until_stored(world, at_rest(clock))
    assert len(shop.calls) == 2
    assert line.channel == "C0LOG"
    lines = str([message.blocks for message in world.slack.messages("C0LOG")])
    assert lines.count("It did not go out on its own.") == 2


async def test_a_long_lane_is_taken_back_to_its_end(world: World, shop: Shop) -> None:
    await pause(world)
    sure = [await world.propose(category="orders") for _ in range(TAKEN_BACK_AT_ONCE + 5)]
    last = await world.propose(category="orders", confidence=0.999)
    await resume(world, "orders 0.99")
    assert (await world.get(last["id"], wait=10))["state"] == "executed"
    assert {(await world.get(proposed["id"]))["state"] for proposed in sure} == {"pending"}
    assert len(shop.calls) == 1


async def test_a_person_has_looked_whatever_the_threshold_is_now(world: World, shop: Shop, clock: MovableClock) -> None:
    await pause(world)
    proposed = await world.propose(category="orders", confidence=0.7)
    await world.click("U0BEN", await world.card(proposed["id"]), ids.APPROVE)
    await resume(world, "orders hold")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == 1


async def test_what_was_tried_before_is_not_taken_back(world: World, shop: Shop, clock: MovableClock) -> None:
    """The try may have had its effect, whatever the receiver said."""
    shop.mood = refusing(503)
    proposed = await world.propose(category="orders")
    await shop.arrival()
    await until_stored(world, at_rest(clock, 1))
    await world.slack.person("U0LEAD").command("/threshold orders hold because it answers nonsense")
    shop.mood = obliging
    pass_time(world, clock, timedelta(minutes=1))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert (await story_of(world, proposed["id"])).count("proposal.undone") == 0


async def test_what_a_person_has_tried_again_is_not_taken_back(world: World, shop: Shop) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose(category="orders")
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = obliging
    await pause(world)
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await resume(world, "orders hold")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert (await story_of(world, proposed["id"])).count("proposal.undone") == 0


async def test_what_is_taken_back_after_its_time_has_its_whole_time_again(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    await pause(world)
    proposed = await world.propose(category="orders", expires_in=60)
    pass_time(world, clock, timedelta(seconds=61))
    asked = clock.now()
    await resume(world, "orders hold")
    card = await world.card(proposed["id"])
    stands = await world.sayso.store.read(lambda tx: tx.proposal(proposed["id"]))
    assert timedelta(seconds=59) < stands.expires_at - asked < timedelta(seconds=75)
    await world.click("U0BEN", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_what_is_taken_back_can_be_withdrawn_by_its_agent_and_expires_as_ever(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    await pause(world)
    proposed = await world.propose(category="orders")
    await resume(world, "orders hold")
    await world.card(proposed["id"])
    pass_time(world, clock, timedelta(days=40))
    assert (await world.get(proposed["id"], wait=5))["state"] == "expired"
    await world.message("C0OPS", "nobody decided in time")
    assert shop.calls == []


async def test_a_mark_of_what_the_policy_took_back_is_told_so(world: World, shop: Shop, clock: MovableClock) -> None:
    await pause(world)
    proposed = await world.propose(category="orders", reply={"text": "Nonsense."})
    line = await world.message("C0LOG", "Nonsense.")
    await resume(world, "orders hold")
    await world.card(proposed["id"])
    await mark_wrong(world, "U0MARIA", line, proposed["id"])
    await told(world, "U0MARIA", "The policy took this back just now: Everything in orders is held for a person.")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('approvers = ["U0MARIA", "U0BEN", "S0SUPPORT"]', 'approvers = ["U0MARIA", "S0SUPPORT"]'),
        ("S0SUPPORT", "S0OTHERS"),
    ],
)
async def test_an_approval_of_somebody_who_is_not_on_the_list_by_now_is_taken_back(
    tmp_path: Path, shop: Shop, clock: MovableClock, was: str, now: str
) -> None:
    """Ben is named himself, Otto through a group that was known when he clicked."""
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    user, name = ("U0BEN", "Ben") if was.startswith("approvers") else ("U0OTHER", "Otto")
    assert was in policy
    async with empty_slack() as slack:
        token, case = await approved(slack, database, policy, clock, user)
        async with bot_on(slack, database, policy.replace(was, now), clock, token) as world:
            pass_time(world, clock, LATER)
            why = f"The approval of {name} does not count any more, for they may not decide this by now."
            card = await world.card(case, saying=why)
            await told(world, user, "what you approved did not go out.")
            assert (await world.get(case))["state"] == "pending"
            assert shop.calls == []
            await world.click("U0MARIA", card, ids.APPROVE)
            pass_time(world, clock, LATER)
            assert (await world.get(case, wait=5))["state"] == "executed"


async def test_an_approval_by_a_group_that_is_still_on_the_list_goes_out(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, case = await approved(slack, database, policy, clock, "U0OTHER")
        async with bot_on(slack, database, policy, clock, token) as world:
            pass_time(world, clock, LATER)
            assert (await world.get(case, wait=5))["state"] == "executed"
            assert (await story_of(world, case)).count("proposal.undone") == 0


async def test_time_begins_anew_each_time_that_something_is_taken_back(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    await pause(world)
    proposed = await world.propose(category="orders", expires_in=60)
    pass_time(world, clock, timedelta(seconds=50))
    asked = clock.now()
    await resume(world, "orders hold")
    await world.card(proposed["id"])
    stands = await world.sayso.store.read(lambda tx: tx.proposal(proposed["id"]))
    assert timedelta(seconds=59) < stands.expires_at - asked < timedelta(seconds=75)


async def test_what_is_taken_back_counts_as_held_and_its_label_as_none_that_was_drawn(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    await pause(world)
    proposed = await world.propose(category="orders")
    before = await world.sayso.store.read(lambda tx: tx.proposal(proposed["id"]))
    counted = await world.sayso.store.read(lambda tx: tx.days("2000-01-01", "orders"))
    assert [(day.automated, day.held) for day in counted] == [(1, 0)]
    await resume(world, "orders hold")
    await world.card(proposed["id"])
    counted = await world.sayso.store.read(lambda tx: tx.days("2000-01-01", "orders"))
    assert [(day.automated, day.held) for day in counted] == [(0, 1)]
    after = await world.sayso.store.read(lambda tx: tx.proposal(proposed["id"]))
    assert after.ruling.choice == before.ruling.choice and after.ruling.choice is not None
    assert not after.ruling.choice.audited
