"""Slack's events: the App Home, and changes of people."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import Refused
from bot.slack.blocks import section
from bot.slack.lists import home, mine
from handlers.desk import Desk


async def home_opened(event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """Show whoever looks what waits for them."""
    user = str(event["user"])
    try:
        person = await desk.roster.person(user, body.get("team_id"))
    except Refused as refusal:
        await client.views_publish(user_id=user, view={"type": "home", "blocks": [section(refusal.sentence)]})
        return
    waiting, pause = await desk.store.read(lambda tx: (tx.waiting(1000), tx.pause()))
    own = mine(desk.policy, person, waiting)
    await client.views_publish(user_id=user, view=home(own, len(own), pause))


async def user_changed(event: dict[str, Any], desk: Desk) -> None:
    """Forget what was known of somebody who was deactivated, made a guest or renamed."""
    desk.roster.changed(event["user"])
