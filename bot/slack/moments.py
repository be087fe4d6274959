"""Moments as Slack shows them, in the reader's own time zone, and in UTC where Slack cannot."""

from datetime import UTC, datetime
from typing import Final

from bot.slack.blocks import Element, date

FORM: Final = "{date_short_pretty} at {time}"


def moment(at: datetime) -> Element:
    """For rich text."""
    return date(int(at.timestamp()), FORM, in_utc(at))


def token(at: datetime) -> str:
    """For mrkdwn."""
    return f"<!date^{int(at.timestamp())}^{FORM}|{in_utc(at)}>"


def in_utc(at: datetime) -> str:
    """For plain text, such as `12 Mar 2026 at 09:00 UTC`."""
    return f"{at.astimezone(UTC):%d %b %Y at %H:%M} UTC"
