"""What must leave the process: errands, how one carrying of them ended, and the proof that it arrived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.canonical import Json


class ErrandKind(StrEnum):
    """The kinds of errand; each has one courier.

    `GO_AHEAD` is the callback on which an agent carries out by itself what was approved.
    """

    CARD = "card"
    REPAINT = "repaint"
    WHISPER = "whisper"
    NOTICE = "notice"
    LOG = "log"
    RELOG = "relog"
    CHART = "chart"
    EXECUTE = "execute"
    CALLBACK = "callback"
    GO_AHEAD = "go_ahead"
    SPEAK = "speak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One thing to be carried out of the process; its id is the idempotency key of every attempt.

    `lane` names what must stay in order; `coalesce`, where given, lets a newer errand replace a waiting one.
    `queued_at` is when it was first due, before any postponement; `interrupted` says that a lease ran out on it.
    `together` are the ids of the errands behind it that share its message.
    """

    id: str
    kind: ErrandKind
    lane: str
    due_at: datetime
    proposal_id: str | None = None
    payload: Mapping[str, Json] = field(default_factory=dict)
    coalesce: str | None = None
    queued_at: datetime | None = None
    attempts: int = 0
    interrupted: bool = False
    together: tuple[str, ...] = ()

    @property
    def tried_before(self) -> bool:
        """Whether an earlier attempt may have left something; `attempts` counts the one that begins now.

        A retry that a person asked for counts from one again, and says in its payload that it is not the first.
        """
        return self.attempts > 1 or self.retried or self.unsettled

    @property
    def counted(self) -> int:
        """How many attempts count: those that only met Slack's pace, or its absence, do not."""
        paced = self.payload.get("paced")
        return self.attempts - (paced if isinstance(paced, int) else 0)

    @property
    def retried(self) -> bool:
        """Whether a person asked for this, after looking at how an earlier call with the same key had ended."""
        return self.payload.get("again") is True

    @property
    def unsettled(self) -> bool:
        """Whether a call may have arrived of which nobody knows, and nobody was asked, how it ended."""
        return self.interrupted or self.payload.get("maybe") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a message stands in Slack: which errand put it there, and where."""

    errand_id: str
    proposal_id: str | None
    room: str
    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """It arrived; `receipt` where there is a message to repaint later, `result` what the receiver said.

    `missing` are those of `errand.together` that the message, found from an earlier attempt, does not hold.
    """

    receipt: Receipt | None = None
    result: Json = None
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """It did not arrive, or may be tried again with the same key; `hold_lane` keeps the whole lane waiting.

    `maybe` says that it may have arrived all the same: that is kept with the errand until the end. `doubtful` says that
    an earlier try may have, and that the receiver honours no key: where the tries end here, it is lost, not failed.
    """

    error: str
    after: timedelta | None = None
    hold_lane: bool = False
    maybe: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It did not arrive and never will as it is; `partly` says that a piece of it did."""

    error: str
    partly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The call was made, its outcome is unknown, and the receiver honours no key: never tried again unasked."""

    error: str


Outcome = Delivered | Postponed | Failed | Lost

LEASE: Final = timedelta(seconds=150)
FIRST_BACKOFF: Final = timedelta(seconds=1)
LONGEST_BACKOFF: Final = timedelta(minutes=10)
SLACK_LANES: Final = ("slack:", "whisper:")


def remembered(errand: Errand, outcome: Postponed) -> Mapping[str, Json] | None:
    """The errand's payload as it must be from now on; None where it may stay.

    A later try is not marked as interrupted any more, and the policy that it goes by may be another one.
    """
    news: dict[str, Json] = {}
    if (outcome.maybe or errand.interrupted) and errand.payload.get("maybe") is not True:
        news["maybe"] = True
    if paced(errand, outcome):
        news["paced"] = errand.attempts - errand.counted + 1
    return {**errand.payload, **news} if news else None


def backoff(attempts: int, *, draw: float) -> timedelta:
    """How long to wait after that many attempts: doubling from 1 s to 10 min, spread over ±25 % by `draw` in [0, 1)."""
    base: timedelta = min(FIRST_BACKOFF * int(2 ** min(attempts - 1, 20)), LONGEST_BACKOFF)
    return base * (0.75 + draw / 2)


def paced(errand: Errand, outcome: Postponed) -> bool:
    """Whether it is only Slack's pace, or Slack's absence, which everything there has to bear: no try is counted."""
    return outcome.hold_lane and errand.lane.startswith(SLACK_LANES)


def due_in(errand: Errand, outcome: Postponed, *, draw: float) -> timedelta:
    """How long to wait: what the receiver asked for; where tries are counted, never less than the back-off.

    A receiver that asks for one second each time would otherwise have used up all tries in a few seconds.
    """
    only_paced = paced(errand, outcome)
    own = backoff(errand.attempts if only_paced else errand.counted, draw=draw)
    if outcome.after is None:
        return own
    return outcome.after if only_paced else max(outcome.after, own)
