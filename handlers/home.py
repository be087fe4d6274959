"""The App Home: what waits for whoever looks, and again after they decided something there."""

import contextlib
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import Refused, SaysoError
from bot.slack.blocks import section
from bot.slack.courier import NETWORK
from bot.slack.lists import LOOKED_THROUGH, home, mine
from bot.slack.patience import within
from handlers.desk import Body, Desk, user_of

PUBLISH_SECONDS: Final = 2.5


async def home_opened(event: dict[str, Any], body: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Show whoever looks what waits for them."""
    user = str(event["user"])
    try:
        await _show(user, body.get("team_id"), client, desk)
    except Refused as refusal:
        await _publish(client, user, {"type": "home", "blocks": [section(refusal.sentence)]})


def home_again(body: Body, client: AsyncWebClient, desk: Desk, *, told: str = "") -> None:
    """The same, soon, for whoever just did something there, with a sentence on top; the click does not wait for it."""
    desk.aside.begin(_show_again(user_of(body), (body.get("team") or {}).get("id"), client, desk, told))


async def _show_again(user: str, team: str | None, client: AsyncWebClient, desk: Desk, told: str) -> None:
    # Where Slack is away the old Home stays, until somebody opens it again.
    with contextlib.suppress(SlackApiError, SaysoError, *NETWORK):
        await _show(user, team, client, desk, told=told)


async def _show(user: str, team: str | None, client: AsyncWebClient, desk: Desk, *, told: str = "") -> None:
    person = await desk.roster.person(user, team, groups="lately")
    waiting, pause = await desk.store.read(lambda tx: (tx.waiting(LOOKED_THROUGH), tx.pause()))
    own = mine(desk.policy, person, waiting)
    await _publish(client, user, home(own, len(own), pause, others=len(waiting) - len(own), told=told))


async def _publish(client: AsyncWebClient, user: str, view: dict[str, Any]) -> None:
    """Slack delivers the event again where this takes too long or fails."""
    async with within(PUBLISH_SECONDS):
        await client.views_publish(user_id=user, view=view)
