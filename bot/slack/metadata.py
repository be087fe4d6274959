"""What a modal remembers: which content its reviewer saw, and where to tell them how it ended."""

import json
from dataclasses import dataclass

from bot.domain.decision import Seen
from bot.domain.errors import BadInput
from bot.slack import ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The private metadata of a modal."""

    seen: Seen
    channel: str | None
    again: bool = False
    """Whether an update painted it, so that Slack sends what it kept, and perhaps not what it shows."""

    def text(self) -> str:
        """At most a few hundred characters; Slack allows 3,000."""
        again = {"again": True} if self.again else {}
        return json.dumps({"seen": ids.carried(self.seen), "channel": self.channel} | again)

    @classmethod
    def of(cls, text: str) -> "Metadata":
        """The metadata of its text; raises BadInput for one that we did not write."""
        try:
            document = json.loads(text)
            again = document.get("again") is True
            return cls(seen=ids.seen_of(document["seen"]), channel=document["channel"], again=again)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadInput("This window is not one of Sayso's; open the case again.") from None
