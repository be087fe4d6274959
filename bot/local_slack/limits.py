"""The numbers of Slack's limits, each with the place where Slack says it, and the pace of posting."""

import time

from bot.local_slack.model import SlackError

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
SECTION_TEXT = 3000
FIELD_TEXT = 2000
FIELDS = 10
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
CONTEXT_TEXT = 2000
LABEL_TEXT = 2000
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
URL = 3000
ID = 255
"""action_id, block_id, callback_id, external_id."""
PLACEHOLDER = 150
OPTION_TEXT = 75
OPTION_VALUE = 150
OVERFLOW_OPTIONS = 5
SELECT_OPTIONS = 100
CHOICE_OPTIONS = 10
"""Options of checkboxes and radio buttons."""
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
VIEW_TITLE = 24
PRIVATE_METADATA = 3000
INPUT_TEXT = 3000
VIEW_BYTES = 250_000
MARKDOWN_TEXT = 12_000
TABLE_ROWS = 100
TABLE_COLUMNS = 20
TABLE_TEXT = 10_000
IMAGE_TEXT = 2000
ALL_BLOCKS_WEIGHT = 13_400
"""All blocks of one message together: their text, `&`, `<` and `>` as entities, and `BLOCK_WEIGHT` for each block.

Undocumented, seen in practice: one block may have 13,297 characters and two 13,172 (bolt-js #2509), but 45 blocks not
11,341 (bolt-js #2867).
"""
BLOCK_WEIGHT = 125
POST_TEXT = 40_000
"""Slack cuts a longer text; here it is refused, so that nobody relies on the cut."""
UPDATE_TEXT = 4_000
METADATA_BYTES = 8_000

POSTS_PER_SECOND = 1.0
POST_BURST = 5


def check_text(text: str, limit: int) -> None:
    """Refuse a message text that is longer than `limit` characters."""
    if len(text) > limit:
        raise SlackError("msg_too_long")


class Pace:
    """About one message a second for each channel, after a short burst (a token bucket)."""

    def __init__(self, *, rate: float = POSTS_PER_SECOND, burst: int = POST_BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, channel: str) -> None:
        """Count one message for this channel, or raise `ratelimited` with whole seconds to wait."""
        now = time.monotonic()
        tokens, then = self._levels.get(channel, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - then) * self._rate)
        if tokens < 1:
            self._levels[channel] = (tokens, now)
            wait = max(1, round((1 - tokens) / self._rate + 0.499))
            raise SlackError("ratelimited", status=429, headers={"Retry-After": str(wait)})
        self._levels[channel] = (tokens - 1, now)
