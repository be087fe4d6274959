"""How often each method may be called: Slack's tiers, by the minute and for each method on its own."""

from typing import Final

from bot.local_slack.limits import Pace

TIER_2: Final = 20
TIER_3: Final = 50
TIER_4: Final = 100
HUNDREDS: Final = 600
"""Slack says "hundreds a minute"; its own Java library counts 600."""
PER_MINUTE: Final[dict[str, int]] = {
    "auth.test": HUNDREDS,
    "chat.delete": TIER_3,
    "chat.getPermalink": HUNDREDS,
    "chat.postEphemeral": TIER_4,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.list": TIER_2,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "reactions.add": TIER_3,
    "usergroups.list": TIER_2,
    "usergroups.users.list": TIER_2,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}
"""All but chat.postMessage, which is paced for each channel."""


class Pacing:
    """Lets a minute's calls of a method go at once and the next ones as the minute goes on."""

    def __init__(self) -> None:
        self._posts = Pace()
        self._calls = {method: Pace(rate=calls / 60, burst=calls) for method, calls in PER_MINUTE.items()}

    def take(self, method: str, channel: str) -> None:
        """Count one call, or raise `ratelimited` with whole seconds to wait."""
        if method == "chat.postMessage":
            self._posts.take(channel)
        else:
            self._calls[method].take(method)
