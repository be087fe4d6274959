"""A proposal is approved: the card, the click, the effect, and what everybody sees."""

from bot.slack import ids
from tests.world import World


async def test_an_approved_reply_runs_and_the_card_says_who_approved_it(world: World) -> None:
    proposed = await world.propose()
    assert proposed["state"] == "pending"
    card = await world.card(proposed["id"])
    clicked = await world.click("U0MARIA", card, ids.APPROVE)
    assert clicked.status == 200
    done = await world.get(proposed["id"], wait=5)
    assert done["state"] == "executed"
    assert done["decision"]["kind"] == "approved"
    assert done["decision"]["by"] == {"id": "U0MARIA", "name": "Maria"}
    assert done["final"] == {"reply": {"text": "Your refund was sent on Monday."}}
    painted = await world.message("C0REVIEW", "Approved by")
    assert "U0MARIA" in str(painted)
    assert ids.APPROVE not in str(painted)
