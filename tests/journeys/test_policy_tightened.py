"""The policy is made stricter while cases wait: they are decided by what it says now."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.local_slack import LocalSlack
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    bot_on,
    empty_slack,
    obliging,
    open_edit,
    painted,
    pass_time,
    refusing,
    shop_policy,
    told,
    words_block,
)
from tests.world import World

FREE = 'free_when = "args.amount <= 50"\n'


async def waiting(slack: LocalSlack, database: Path, policy: str, clock: MovableClock) -> tuple[str, dict[str, Any]]:
    """A refund that waits under this policy: the agent's token and the proposal."""
    async with bot_on(slack, database, policy, clock) as world:
        proposed = await world.act("refund", {"amount": 180})
        await world.card(proposed["id"])
        return world.token, proposed


async def test_a_second_approval_is_asked_for(tmp_path: Path, shop: Shop, clock: MovableClock) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, proposed = await waiting(slack, database, policy, clock)
        stricter = policy.replace(FREE, f"{FREE}approvals = 2\n")
        async with bot_on(slack, database, stricter, clock, token) as world:
            card = await world.card(proposed["id"])
            await world.click("U0BEN", card, ids.APPROVE)
            now = await painted(world, card, "1 of 2 approvals")
            assert (await world.get(proposed["id"]))["state"] == "pending"
            await world.click("U0MARIA", now, ids.APPROVE)
            assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
            assert len(shop.calls) == 1


async def test_what_is_forbidden_now_is_not_approved(tmp_path: Path, shop: Shop, clock: MovableClock) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, proposed = await waiting(slack, database, policy, clock)
        stricter = policy.replace(FREE, f'{FREE}refuse_when = "args.amount > 100"\n')
        async with bot_on(slack, database, stricter, clock, token) as world:
            await world.click("U0BEN", await world.card(proposed["id"]), ids.APPROVE)
            await told(world, "U0BEN", "The policy forbids refund when args.amount &gt; 100. Change it, or reject.")
            assert (await world.get(proposed["id"]))["state"] == "pending"
            assert shop.calls == []


async def test_what_is_beyond_reviewers_now_is_approved_by_the_escalation_team_only(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        token, proposed = await waiting(slack, database, policy, clock)
        stricter = policy.replace(FREE, f'{FREE}escalate_when = "args.amount > 100"\n')
        async with bot_on(slack, database, stricter, clock, token) as world:
            card = await world.card(proposed["id"])
            await world.click("U0BEN", card, ids.APPROVE)
            await told(world, "U0BEN", "refund goes to the escalation team when args.amount &gt; 100.")
            await world.click("U0BEN", card, ids.ESCALATE)
            await world.click("U0LEAD", await world.card(proposed["id"], "C0ESCALATE"), ids.APPROVE, "C0ESCALATE")
            assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ('refuse_when = "args.amount > 100"\n', "The policy forbids refund when"),
        ('escalate_when = "args.amount > 100"\n', "refund goes to the escalation team when"),
        ("approvals = 2\n", "The policy asks for 2 approvals by now"),
    ],
)
async def test_what_failed_is_not_tried_again_against_the_policy_of_now(
    tmp_path: Path, shop: Shop, clock: MovableClock, rule: str, why: str
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    shop.mood = refusing(422)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            proposed, token = await world.act("refund", {"amount": 180}), world.token
            await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
            alarm = await world.card(proposed["id"], "C0OPS", "It failed")
        shop.mood = obliging
        async with bot_on(slack, database, policy.replace(FREE, FREE + rule), clock, token) as world:
            await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
            await told(world, "U0BEN", why)
            assert (await world.get(proposed["id"]))["state"] == "failed"
            assert shop.effects == {}


async def test_what_failed_in_a_category_of_the_escalation_team_by_now_is_tried_again_by_them_only(
    world: World, shop: Shop
) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = obliging
    await world.slack.person("U0LEAD").command("/threshold refunds escalate because of a campaign")
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await told(world, "U0BEN", "Everything in refunds goes to the escalation team by now")
    await world.click("U0LEAD", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_what_was_approved_and_is_forbidden_before_it_went_out_does_not_go_out(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            proposed, token = await world.act("refund", {"amount": 180}, category="returns"), world.token
            card = await world.card(proposed["id"])
            await world.click("U0BEN", card, ids.APPROVE)
            await painted(world, card, ids.UNDO)
        stricter = policy.replace(FREE, f'{FREE}refuse_when = "args.amount > 100"\n')
        async with bot_on(slack, database, stricter, clock, token) as world:
            pass_time(world, clock, timedelta(seconds=31))
            await world.card(proposed["id"], "C0OPS", "It was approved before that, and nothing was done.")
            assert (await world.get(proposed["id"]))["state"] == "failed"
            assert shop.calls == []


async def test_a_category_that_is_for_the_escalation_team_by_now_is_not_approved_by_others(
    world: World, shop: Shop
) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.slack.person("U0LEAD").command("/threshold refunds escalate because of a campaign")
    await world.click("U0BEN", card, ids.APPROVE)
    await told(world, "U0BEN", "Everything in refunds goes to the escalation team by now; escalate it.")
    view = await open_edit(world, "U0BEN", card)
    refused = await world.slack.person("U0BEN").submit(view, {words_block(view): "Other words."})
    assert "goes to the escalation team by now" in str(refused.body)
    assert (await world.get(proposed["id"]))["state"] == "pending"
    await world.click("U0BEN", card, ids.ESCALATE)
    await world.click("U0LEAD", await world.card(proposed["id"], "C0ESCALATE"), ids.APPROVE, "C0ESCALATE")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == 1
