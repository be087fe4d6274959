"""Slack's events: the App Home, and changes of people."""

from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import Refused
from bot.slack.blocks import section
from bot.slack.lists import LOOKED_THROUGH, home, mine
from bot.slack.patience import within
from handlers.desk import Desk

PUBLISH_SECONDS: Final = 2.5


async def home_opened(event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """Show whoever looks what waits for them."""
    user = str(event["user"])
    try:
        person = await desk.roster.person(user, body.get("team_id"))
    except Refused as refusal:
        await _publish(client, user, {"type": "home", "blocks": [section(refusal.sentence)]})
        return
    waiting, pause = await desk.store.read(lambda tx: (tx.waiting(LOOKED_THROUGH), tx.pause()))
    own = mine(desk.policy, person, waiting)
    await _publish(client, user, home(own, len(own), pause, others=len(waiting) - len(own)))


async def _publish(client: AsyncWebClient, user: str, view: dict[str, Any]) -> None:
    """Slack delivers the event again where this takes too long or fails."""
    async with within(PUBLISH_SECONDS):
        await client.views_publish(user_id=user, view=view)


async def user_changed(event: dict[str, Any], desk: Desk) -> None:
    """Forget what was known of somebody who was deactivated, made a guest or renamed."""
    desk.roster.changed(event["user"])
