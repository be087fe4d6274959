"""A proposal is rejected: nothing reaches the customer, and the agent and the team read why."""

from bot.slack import ids
from tests.journeys.props import Shop, buttons_of, open_reject, painted, story_of, told
from tests.world import World


async def test_a_rejected_proposal_never_runs_and_everybody_reads_why(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    view = await open_reject(world, "U0MARIA", card)
    submitted = await world.slack.person("U0MARIA").submit(view, {"other_reason": "It was sent on Tuesday"})
    assert submitted.ok
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["closed"]) == ("cancelled", True)
    assert done["decision"]["kind"] == "rejected"
    assert done["decision"]["by"] == {"id": "U0MARIA", "name": "Maria"}
    assert done["decision"]["reason"] == "It was sent on Tuesday"
    assert (done["final"], done["execution"]) == (None, None)
    now = await painted(world, card, "Rejected by")
    assert "It was sent on Tuesday" in str(now.blocks)
    assert buttons_of(now) == [ids.OPEN]
    assert shop.calls == []
    assert (await story_of(world, proposed["id"]))[-1] == "proposal.rejected"


BOTH = "It should not be done at all: see #12"


async def test_a_reason_can_be_chosen_from_the_list_with_words_or_left_out(world: World) -> None:
    for values, reason in (
        ({"reason": "1"}, ids.REASONS[1]),
        ({"reason": "4", "other_reason": "see #12"}, BOTH),
        ({}, None),
    ):
        proposed = await world.propose()
        view = await open_reject(world, "U0BEN", await world.card(proposed["id"]))
        await world.slack.person("U0BEN").submit(view, values)
        done = await world.get(proposed["id"], wait=5)
        assert done["decision"]["reason"] == reason


async def test_closing_the_window_rejects_nothing(world: World) -> None:
    proposed = await world.propose()
    view = await open_reject(world, "U0BEN", await world.card(proposed["id"]))
    await world.slack.person("U0BEN").close(view)
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_whoever_approves_a_rejected_case_is_told_by_name(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.slack.person("U0MARIA").submit(await open_reject(world, "U0MARIA", card))
    await world.slack.person("U0BEN").click("C0REVIEW", card, ids.APPROVE)
    await told(world, "U0BEN", "Maria rejected this")
    assert (await world.get(proposed["id"]))["state"] == "cancelled"
    assert shop.calls == []


async def test_the_full_case_shows_everything_and_lets_only_reviewers_decide(world: World) -> None:
    talk = [{"role": "customer", "text": f"Message number {n}"} for n in range(12)]
    proposed = await world.propose(conversation={"id": "conv-2", "messages": talk})
    await world.choose("U0LEAD", await world.card(proposed["id"]), ids.FULL_OPTION)
    view = await world.slack.wait_for_view("U0LEAD")
    for message in talk:
        assert message["text"] in str(view.blocks), message
    assert "Your refund was sent on Monday." in str(view.blocks)
    assert "submit" not in view.payload or view.payload["submit"] is None
    assert (await world.get(proposed["id"]))["state"] == "pending"
