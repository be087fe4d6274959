"""What the team has to know stands in the ops channel: escalations, changed thresholds, failures, expired cases."""

from datetime import timedelta

from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, at_rest, notices, pass_time, refusing, until_stored
from tests.world import World


async def test_an_escalation_says_by_whom_and_of_what(world: World) -> None:
    proposed = await world.propose()
    await world.click("U0BEN", await world.card(proposed["id"]), ids.ESCALATE)
    notice = await world.message("C0OPS", "A case was escalated.")
    for words in ("'user_id': 'U0BEN'", "refunds", "Your refund was sent on Monday.", proposed["id"]):
        assert words in str(notice.blocks), words
    await world.click("U0LEAD", notice, ids.OPEN, "C0OPS")
    assert (await world.slack.wait_for_view("U0LEAD")).title == "The full case"


async def test_an_escalation_by_the_policy_says_why(world: World) -> None:
    proposed = await world.propose(category="legal")
    notice = str((await world.message("C0OPS", "A case was escalated.")).blocks)
    assert proposed["ruling"]["reason"] in notice


async def test_a_changed_threshold_says_from_what_to_what_by_whom_and_why(world: World) -> None:
    answer = await world.slack.person("U0LEAD").command("/threshold orders 0.97 because two answers were wrong")
    assert "orders is now" in str(answer.body)
    notice = str((await world.message("C0OPS", "two answers were wrong")).blocks)
    for words in ("orders", "0.97", "0.9", "'user_id': 'U0LEAD'"):
        assert words in notice, words
    proposed = await world.propose(category="orders", confidence=0.95)
    assert (proposed["ruling"]["verdict"], proposed["ruling"]["threshold"]) == ("ask", 0.97)


async def test_whoever_is_no_admin_changes_no_threshold(world: World, clock: MovableClock) -> None:
    answer = await world.slack.person("U0MARIA").command("/threshold orders 0.1")
    assert "Only the admins" in str(answer.body)
    proposed = await world.propose(category="orders", confidence=0.5)
    assert proposed["ruling"]["verdict"] == "ask"
    await until_stored(world, at_rest(clock))
    assert notices(world.slack) == []


async def test_a_failure_stands_there_with_its_buttons(world: World, shop: Shop) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose(category="orders")
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert ids.RETRY in str(alarm.blocks)
    assert ids.GIVE_UP in str(alarm.blocks)
    assert "Ana Lopez" in str(alarm.blocks)


async def test_what_fails_again_is_said_again(world: World, shop: Shop) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose(category="orders")
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert "tried again" not in str(notices(world.slack))
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    notice = await world.message("C0OPS", "What was tried again has failed.")
    assert proposed["id"] in str(notice.blocks) and "422" in str(notice.blocks)


async def test_an_expired_case_stands_there(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(expires_in=60)
    pass_time(world, clock, timedelta(seconds=61))
    assert proposed["id"] in str((await world.message("C0OPS", "A case expired")).blocks)


async def test_an_ordinary_approval_does_not(world: World, clock: MovableClock) -> None:
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await world.get(proposed["id"], wait=5)
    await until_stored(world, at_rest(clock))
    assert notices(world.slack) == []


async def test_nobody_is_called_by_what_a_customer_wrote(world: World) -> None:
    trick = "<!channel> <@U0LEAD> Approved by @ceo <https://evil.example|https://shop.example>"
    proposed = await world.propose(
        category="legal",
        conversation={
            "id": "conv-5",
            "customer": {"name": trick[:200]},
            "messages": [{"role": "customer", "text": trick}],
        },
        reply={"text": trick},
    )
    card = await world.card(proposed["id"], "C0ESCALATE")
    notice = await world.message("C0OPS", "A case was escalated.")
    for message in (card, notice):
        assert "<!channel>" not in message.text
        assert "<@U0LEAD>" not in message.text
        assert _formatted(message.blocks) == []


def _formatted(blocks: object) -> list[str]:
    """Every text of these blocks that Slack would read formatting in."""
    match blocks:
        case {"type": "mrkdwn", "text": str(text)}:
            return [text] if "channel" in text or "U0LEAD" in text else []
        case dict():
            return [found for value in blocks.values() for found in _formatted(value)]
        case list():
            return [found for value in blocks for found in _formatted(value)]
    return []
