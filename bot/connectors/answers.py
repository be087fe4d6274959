"""What the connectors share: reading a receiver's refusal, and the sentences made of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from bot.domain.canonical import Json, canonical_json
from bot.domain.delivery import Failed
from bot.domain.masking import beginning
from bot.domain.proposal import Action, Proposal
from bot.domain.text import reveal, shorten

LONGEST_WAIT: Final = timedelta(hours=1)
SHORTEST_WAIT: Final = timedelta(seconds=1)
SET_UP_WAIT: Final = timedelta(minutes=5)
EXCERPT: Final = 160
_RESULT_BYTES: Final = 10_000
_RESULT_TEXT: Final = 2_000


def retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """How long a Retry-After header asks to wait, within 1 s and 1 h; None where it makes no sense.

    Both forms of RFC 9110 §10.2.3 are read: whole seconds and an HTTP date.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        seconds = int(text) if len(text) < 8 else LONGEST_WAIT.total_seconds()
        return _within_reason(timedelta(seconds=seconds))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return _within_reason((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now)


def _within_reason(wait: timedelta) -> timedelta:
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def excerpt(text: str) -> str:
    """A piece of an answer, fit for one sentence: one line, no secrets, nothing hidden, at most 160 characters."""
    return shorten(" ".join(reveal(beginning(text, EXCERPT)).text.split()), EXCERPT)


def said(who: str, status: int, text: str) -> str:
    """`Zendesk answered 422: …`, without the part after the colon where the answer was empty."""
    piece = excerpt(text)
    return f"{who} answered {status}: {piece}" if piece else f"{who} answered {status}"


def result_of(text: str) -> Json:
    """A receiver's answer as it is kept: its JSON where that is small and canonical, else its beginning."""
    if len(text.encode(errors="replace")) <= _RESULT_BYTES:
        try:
            value: Json = json.loads(text)
            canonical_json(value)
        except (ValueError, RecursionError, OverflowError):
            pass  # not JSON, or JSON with NaN, giant numbers or lone surrogates, which has no canonical form
        else:
            return value
    return shorten(text[: _RESULT_TEXT * 2].encode(errors="replace").decode(), _RESULT_TEXT) or None


def words_of(proposal: Proposal, carrier: str) -> str | Failed:
    """The text to send, or the refusal of a connector that carries words and was given none."""
    content = proposal.content
    if isinstance(content, Action):
        advice = f"name a webhook as the connector of {content.name} in the policy"
        return Failed(error=f"{carrier} carries replies only: {advice}.")
    return content.text if content.text.strip() else Failed(error="The reply is empty, so nothing was sent.")
