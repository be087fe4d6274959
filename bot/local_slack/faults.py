"""Switches that make the local Slack misbehave as the real one sometimes does."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from bot.local_slack.model import Json

Kind = Literal["ratelimited", "status", "html", "hang", "lost_answer", "error"]
DeliveryKind = Literal["block_actions", "view_submission", "view_closed", "command", "event", "*"]


@dataclass(kw_only=True, slots=True)
class Fault:
    """One misbehaviour of one Web API method (or `*`), for the next `times` calls (in one channel)."""

    kind: Kind
    method: str
    times: int = 1
    channel: str | None = None
    retry_after: str | None = "1"
    status: int = 500
    seconds: float = 60.0
    error: str = "internal_error"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown fault {self.kind!r}: use one of {', '.join(get_args(Kind))}")


@dataclass(kw_only=True, slots=True)
class DeliveryFault:
    """Deliver the next `times` payloads of a kind after `delay` seconds, `copies` times each.

    The copies come together, or `after` seconds behind the first.
    """

    kind: DeliveryKind
    times: int = 1
    delay: float = 0.0
    copies: int = 1
    after: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(DeliveryKind):
            raise ValueError(f"unknown delivery {self.kind!r}: use one of {', '.join(get_args(DeliveryKind))}")


class Faults:
    """The faults that are set now; each is used up after its number of times."""

    def __init__(self) -> None:
        self.calls: list[Fault] = []
        self.deliveries: list[DeliveryFault] = []

    def clear(self) -> None:
        """Behave again."""
        self.calls.clear()
        self.deliveries.clear()

    def rate_limit(
        self, method: str, *, retry_after: str | None = "1", times: int = 1, channel: str | None = None
    ) -> None:
        """Answer 429 with this Retry-After header; None leaves the header out."""
        self.calls.append(
            Fault(kind="ratelimited", method=method, times=times, channel=channel, retry_after=retry_after)
        )

    def server_error(self, method: str, *, status: int = 500, times: int = 1, channel: str | None = None) -> None:
        """Answer with this status and a body that is not Slack's."""
        self.calls.append(Fault(kind="status", method=method, times=times, channel=channel, status=status))

    def bad_gateway(self, method: str, *, times: int = 1, channel: str | None = None) -> None:
        """Answer 502 with a page of HTML, as a proxy does."""
        self.calls.append(Fault(kind="html", method=method, times=times, channel=channel, status=502))

    def hang(self, method: str, *, seconds: float = 60.0, times: int = 1, channel: str | None = None) -> None:
        """Do nothing for these seconds, then drop the connection; the call is not carried out."""
        self.calls.append(Fault(kind="hang", method=method, times=times, channel=channel, seconds=seconds))

    def lose_answer(self, method: str, *, times: int = 1, channel: str | None = None) -> None:
        """Carry the call out, then drop the connection instead of answering."""
        self.calls.append(Fault(kind="lost_answer", method=method, times=times, channel=channel))

    def fail(self, method: str, error: str, *, times: int = 1, channel: str | None = None) -> None:
        """Answer `{"ok": false, "error": …}` with any of Slack's errors."""
        self.calls.append(Fault(kind="error", method=method, times=times, channel=channel, error=error))

    def duplicate(self, kind: DeliveryKind = "*", *, times: int = 1, copies: int = 2, after: float = 0.0) -> None:
        """Deliver the same payload several times, byte for byte and with the same signature.

        The copies come at once, or `after` seconds later. Those of an event carry Slack's retry headers; Slack
        retries nothing else, so that other copies are what a proxy or somebody who listens would send again.
        """
        self.deliveries.append(DeliveryFault(kind=kind, times=times, copies=copies, after=after))

    def delay(self, seconds: float, kind: DeliveryKind = "*", *, times: int = 1) -> None:
        """Deliver late: the trigger has aged by then, the signature has not."""
        self.deliveries.append(DeliveryFault(kind=kind, times=times, delay=seconds))

    def take(self, method: str, channel: object) -> Fault | None:
        """Use up and return the fault that applies to this call, if any."""
        for fault in self.calls:
            if fault.method in (method, "*") and fault.channel in (None, channel):
                fault.times -= 1
                if fault.times <= 0:
                    self.calls.remove(fault)
                return fault
        return None

    def take_delivery(self, kind: str) -> DeliveryFault | None:
        """Use up and return the fault that applies to this delivery, if any."""
        for fault in self.deliveries:
            if fault.kind in (kind, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self.deliveries.remove(fault)
                return fault
        return None

    def add(self, order: Json) -> None:
        """Set a fault from JSON: `{"fault": "hang", "method": "chat.update", "seconds": 9, "count": 2}`.

        `fault` is a `Kind`, or `duplicate` or `delay` with `delivery`. Raises ValueError or TypeError.
        """
        rest: dict[str, Any] = {("times" if k == "count" else k): v for k, v in order.items() if k != "fault"}
        kind = order.get("fault")
        if kind == "duplicate":
            self.duplicate(rest.pop("delivery", "*"), **rest)
        elif kind == "delay":
            self.delay(float(rest.pop("seconds", 1)), rest.pop("delivery", "*"), **rest)
        else:
            self.calls.append(Fault(kind=kind, method=rest.pop("method", "*"), **rest))  # type: ignore[arg-type]
