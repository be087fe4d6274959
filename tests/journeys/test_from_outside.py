"""Commands work in every channel: who acts from one that Sayso is not in hears the answer all the same."""

from bot.slack import ids
from tests.journeys.props import told
from tests.world import World

ELSEWHERE = "C0ELSEWHERE"


async def test_a_window_that_slack_refuses_is_told_in_a_direct_message(world: World) -> None:
    world.slack.add_channel("elsewhere", id=ELSEWHERE, bot_is_member=False)
    made = await world.propose()
    await world.card(made["id"])
    lead = world.slack.person("U0LEAD")
    await lead.command("/approvals", ELSEWHERE)
    listed = await told(world, "U0LEAD", "What waits")
    world.slack.faults.fail("views.open", "expired_trigger_id")
    await lead.click(ELSEWHERE, listed, ids.OPEN)
    said = await world.message("U0LEAD", "click again")
    assert said.channel == world.slack.world.open_im("U0LEAD").id
    assert world.slack.messages(ELSEWHERE) == []
