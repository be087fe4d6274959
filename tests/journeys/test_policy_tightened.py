"""The policy is made stricter while cases wait: they are decided by what it says now."""

from pathlib import Path
from typing import Any

from bot.local_slack import LocalSlack
from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, bot_on, empty_slack, painted, shop_policy, told

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
