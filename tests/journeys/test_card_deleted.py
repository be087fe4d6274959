"""A person deletes a card in Slack: the case goes on, and its card comes back."""

from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, at_rest, cards_of, painted, until_stored
from tests.world import World


async def test_a_deleted_card_comes_back_when_it_is_painted_again(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.act("close_account", {"account": "A-17"})
    card = await world.card(proposed["id"])
    await until_stored(world, at_rest(clock))
    world.slack.delete_message("C0REVIEW", card.ts)
    assert cards_of(world.slack, proposed["id"]) == []
    await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
    back = await world.card(proposed["id"], saying="1 of 2 approvals")
    assert back.ts != card.ts
    await world.click("U0BEN", back, ids.APPROVE)
    await painted(world, back, "Approved by")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    await until_stored(world, at_rest(clock))
    assert len(world.slack.messages("C0REVIEW")) == 1
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_a_card_deleted_twice_comes_back_twice_and_stands_once(world: World, clock: MovableClock) -> None:
    proposed = await world.act("close_account", {"account": "A-17"})
    for approvals, user in ((1, "U0MARIA"), (2, "U0BEN")):
        card = await world.card(proposed["id"])
        await until_stored(world, at_rest(clock))
        world.slack.delete_message("C0REVIEW", card.ts)
        await world.slack.person(user).click("C0REVIEW", card, ids.APPROVE)
        if approvals == 1:
            await world.card(proposed["id"], saying="1 of 2 approvals")
    await world.message("C0REVIEW", "Approved by")
    await world.get(proposed["id"], wait=5)
    await until_stored(world, at_rest(clock))
    assert len(world.slack.messages("C0REVIEW")) == 1


async def test_the_deletion_itself_decides_nothing(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.slack.person("U0BEN").delete("C0REVIEW", card.ts)
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []
