"""Slack's events about people and their groups."""

from typing import Any

from handlers.desk import Desk


async def user_changed(event: dict[str, Any], desk: Desk) -> None:
    """Forget what was known of somebody who was deactivated, made a guest or renamed."""
    desk.roster.changed(event["user"])


async def group_updated(event: dict[str, Any], desk: Desk) -> None:
    """Forget who was in a group whose members changed, or that was disabled."""
    desk.roster.groups.changed(str(event["subteam"]["id"]))
