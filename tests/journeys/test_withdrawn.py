"""The agent takes its own proposal back, as long as nobody has let it run."""

from bot.slack import ids
from bot.tokens import Scope
from tests.journeys.props import Shop, buttons_of, painted, story_of, told, withdraw
from tests.world import World


async def test_a_withdrawn_proposal_never_runs_and_the_card_says_so(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    status, done = await withdraw(world, proposed["id"])
    assert status == 200
    assert (done["state"], done["decision"]["kind"], done["closed"]) == ("cancelled", "withdrawn", True)
    assert done["decision"]["by"]["id"] == "shop-ai"
    now = await painted(world, card, "Withdrawn by")
    assert "shop-ai" in str(now.blocks)
    assert buttons_of(now) == [ids.OPEN]
    assert shop.calls == []
    assert (await story_of(world, proposed["id"]))[-1] == "proposal.withdrawn"


async def test_withdrawing_twice_is_withdrawing_once(world: World) -> None:
    proposed = await world.propose()
    assert await withdraw(world, proposed["id"]) == await withdraw(world, proposed["id"])
    assert (await story_of(world, proposed["id"])).count("proposal.withdrawn") == 1


async def test_what_was_approved_cannot_be_withdrawn(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await world.get(proposed["id"], wait=5)
    status, problem = await withdraw(world, proposed["id"])
    assert status == 409
    assert problem["detail"].startswith("Maria approved this "), problem["detail"]
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_another_agent_finds_nothing_to_withdraw(world: World) -> None:
    proposed = await world.propose()
    other = await world.sayso.tokens.create("another-ai", Scope.PROPOSE)
    status, _ = await withdraw(world, proposed["id"], other)
    assert status == 404
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_whoever_clicks_after_that_is_told_who_withdrew_it(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await withdraw(world, proposed["id"])
    await world.slack.person("U0BEN").click("C0REVIEW", card, ids.APPROVE)
    await told(world, "U0BEN", "shop-ai withdrew this")
