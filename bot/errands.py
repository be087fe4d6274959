"""What a move causes outside: the errands that are written in the move's own transaction."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog

from bot.domain.canonical import Json
from bot.domain.delivery import Errand, ErrandKind
from bot.domain.masking import beginning, hide_named
from bot.domain.policy import Policy
from bot.domain.proposal import AGENT_CONNECTOR, Action, Proposal
from bot.domain.text import shorten
from bot.ports import Clock, Tx
from bot.resource import outline

SUMMARY = 150
REVIEW, ESCALATION, OPS, LOG = "review", "escalation", "ops", "log"
SPEAKING: Final = frozenset({"slack_thread", "email", "zendesk"})
"""The types of connector that carry words to a customer by themselves."""

GIVEN_UP: Final = {
    ErrandKind.CARD: "the card of a case",
    ErrandKind.REPAINT: "a change of a card",
    ErrandKind.LOG: "a line of the log",
    ErrandKind.RELOG: "a change of a log line",
    ErrandKind.CALLBACK: "a callback to the agent",
    ErrandKind.GO_AHEAD: "the agent's go-ahead",
    ErrandKind.SPEAK: "a line to the customer",
}
"""What the team is told was given up; notices, whispers and pictures are not worth it, an execution has failed."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One labelled line of a notice; `user` is shown as a mention, `text` never is."""

    label: str
    text: str = ""
    user: str | None = None


class Errands:
    """Builds errands for one moment and hands them to the transaction."""

    def __init__(self, tx: Tx, policy: Policy, clock: Clock) -> None:
        self._tx, self._policy, self._clock = tx, policy, clock
        self._now = clock.now()

    def _add(
        self,
        kind: ErrandKind,
        lane: str,
        *,
        about: Proposal | None = None,
        payload: dict[str, Json] | None = None,
        coalesce: str | None = None,
        due_at: datetime | None = None,
        key: str | None = None,
    ) -> None:
        self._tx.enqueue(
            Errand(
                id=key or self._clock.new_id("dlv"),
                kind=kind,
                lane=lane,
                due_at=due_at or self._now,
                proposal_id=about.id if about else None,
                payload=payload or {},
                coalesce=coalesce,
            )
        )

    def card(self, proposal: Proposal, room: str, channel: str) -> None:
        """Post a card of this proposal in a channel."""
        self._add(ErrandKind.CARD, f"slack:{channel}", about=proposal, payload={"room": room, "channel": channel})

    def repaint(self, proposal: Proposal, *, within: timedelta = timedelta(0)) -> None:
        """Bring every card of this proposal up to date, at the latest `within` that time: sooner with a newer move."""
        for room, channel in proposal.cards:
            self._add(
                ErrandKind.REPAINT,
                f"slack:{channel}",
                about=proposal,
                payload={"room": room, "channel": channel},
                coalesce=f"{proposal.id}:{room}",
                due_at=self._now + within,
            )

    def execute(self, proposal: Proposal, *, after: timedelta = timedelta(0), key: str | None = None) -> None:
        """Carry out the present revision, not before `after` has passed; `key` is an earlier delivery id to keep."""
        self._add(
            ErrandKind.EXECUTE,
            lane_of(proposal),
            about=proposal,
            payload={"revision": proposal.revision.number, "digest": proposal.digest, "again": key is not None},
            due_at=self._now + after,
            key=key,
        )

    def callback(self, proposal: Proposal, event: str) -> None:
        """Tell the agent, where it asked to be told, how the proposal stands now: the case may move on meanwhile."""
        if proposal.callback_url:
            host = urlsplit(proposal.callback_url).hostname or ""
            payload: dict[str, Json] = {"event": event, "stood": outline(proposal)}
            own = event == "proposal.executed" and proposal.connector == AGENT_CONNECTOR
            kind = ErrandKind.GO_AHEAD if own else ErrandKind.CALLBACK
            self._add(kind, f"callback:{host}", about=proposal, payload=payload)

    def log(self, proposal: Proposal) -> None:
        """One line in the channel of what ran on its own."""
        channel = self._policy.channels.log
        self._add(ErrandKind.LOG, f"slack:{channel}", about=proposal, payload={"channel": channel})

    def relog(self, proposal: Proposal, channel: str, ts: str) -> None:
        """Bring a message of the log up to date."""
        payload: dict[str, Json] = {"channel": channel, "ts": ts}
        self._add(ErrandKind.RELOG, f"slack:{channel}", about=proposal, payload=payload, coalesce=f"log:{ts}")

    def chart(self, category: str, *, user: str) -> None:
        """Draw a category's last weeks and show them to whoever asked."""
        self._add(ErrandKind.CHART, f"chart:{user}", payload={"category": category, "user": user})

    def notice(self, title: str, lines: Iterable[Line], *, about: Proposal | None = None, level: str = "info") -> None:
        """A message in the ops channel."""
        channel = self._policy.channels.ops
        rows: list[Json] = [{"label": line.label, "text": line.text, "user": line.user} for line in lines]
        self._add(
            ErrandKind.NOTICE,
            f"slack:{channel}",
            about=about,
            payload={"channel": channel, "title": title, "lines": rows, "level": level},
        )

    def given_up(self, errand: Errand, error: str) -> None:
        """Say in the ops channel that an errand was given up, unless it is one that nobody needs."""
        if errand.kind not in GIVEN_UP:
            log.error("errand_given_up", errand=errand.id, kind=errand.kind, error=error)
            return
        lines = [Line(label="What", text=GIVEN_UP[errand.kind]), Line(label="Why", text=error)]
        if errand.proposal_id:
            lines.append(Line(label="Case", text=errand.proposal_id))
        self.notice("Something could not be delivered and was given up.", lines, level="alarm")

    def escalated(self, proposal: Proposal) -> None:
        """Tell the ops channel, the customer and the agent that the escalation team has the case."""
        who = proposal.escalated_by
        by = Line(label="Escalated by", user=who.id) if who else Line(label="Why", text=proposal.ruling.reason)
        note = proposal.decision.reason if proposal.decision else None
        lines = [by, *([Line(label="Note", text=note)] if note else []), *about(proposal)]
        self.notice("A case was escalated.", lines, about=proposal)
        self.hold_the_line(proposal)
        self.callback(proposal, "proposal.escalated")

    def hold_the_line(self, proposal: Proposal) -> None:
        """Tell the customer once in a conversation that a person is looking, where the policy has words for it."""
        line, kind = self._policy.holding_line, proposal.connector.partition(":")[0]
        if line and kind in SPEAKING and self._first(f"held:{proposal.conversation.id}"):
            self._add(ErrandKind.SPEAK, lane_of(proposal), about=proposal, payload={"say": "line", "text": line})
        if kind == "zendesk":
            note = f"Sayso handed this to the escalation team: {proposal.ruling.reason}"
            self._add(ErrandKind.SPEAK, lane_of(proposal), about=proposal, payload={"say": "note", "text": note})

    def _first(self, name: str) -> bool:
        if self._tx.kept(name) is not None:
            return False
        self._tx.keep(name, self._now.isoformat())
        return True

    def whisper(self, *, channel: str, user: str, text: str, about: Proposal | None = None) -> None:
        """A line that only this user sees."""
        self._add(
            ErrandKind.WHISPER,
            f"whisper:{user}",
            about=about,
            payload={"channel": channel, "user": user, "text": text},
        )


def lane_of(proposal: Proposal) -> str:
    """What must stay in order with this execution: a Slack channel, or the connector's recipient."""
    if proposal.connector == "slack_thread":
        parts = proposal.conversation.id.split(":")
        return f"slack:{parts[1]}" if len(parts) > 1 else "slack:unknown"
    return f"connector:{proposal.connector}:{proposal.recipient}"


def about(proposal: Proposal) -> list[Line]:
    """What a notice says of a case: whose, of which kind, what was proposed, and its id."""
    customer = proposal.conversation.customer.get("name") or proposal.conversation.customer.get("email")
    return [
        *([Line(label="Customer", text=str(customer))] if customer else []),
        Line(label="Category", text=proposal.category),
        Line(label="Proposed", text=summary(proposal)),
        Line(label="Case", text=proposal.id),
    ]


def summary(proposal: Proposal) -> str:
    """The proposal in at most 150 characters, for lists and notices."""
    content = proposal.content
    if isinstance(content, Action):
        args = ", ".join(f"{name}: {_spelled(value)}" for name, value in hide_named(content.args).items())
        return _begun(f"{content.name}({args})")
    return _begun(content.text) or "(no draft)"


def _begun(text: str) -> str:
    return shorten(" ".join(beginning(text, SUMMARY).split()), SUMMARY)


def _spelled(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
