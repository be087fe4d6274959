"""Slack's events about people."""

from typing import Any

from handlers.desk import Desk


async def user_changed(event: dict[str, Any], desk: Desk) -> None:
    """Forget what was known of somebody who was deactivated, made a guest or renamed."""
    desk.roster.changed(event["user"])
