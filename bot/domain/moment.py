"""Moments as text: UTC, ISO 8601, microseconds and Z, always 27 characters, so that text order is time order."""

from datetime import UTC, datetime


def text_of_time(at: datetime) -> str:
    """Such as `2026-03-12T09:00:00.000000Z`; `at` is aware, in any zone."""
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def time_of_text(text: str) -> datetime:
    """The aware UTC time of `text_of_time`."""
    return datetime.fromisoformat(text)
