"""How a case stands: who decided what and when, and how carrying it out went."""

from datetime import datetime
from typing import Final

from bot.domain.decision import Actor, Decision, DecisionKind, Intervention
from bot.domain.lifecycle import Move, State
from bot.domain.proposal import Json, Proposal
from bot.errands import ESCALATION
from bot.slack.blocks import Block, Element, date, line, mention, rich, shown, words


def status(proposal: Proposal, room: str, *, paused: bool = False) -> list[Block]:
    """Escalated by whom, decided by whom, carried out or not; empty while a new case waits."""
    parts: list[Element] = []
    if proposal.escalated_by and not (proposal.decision and proposal.decision.kind is DecisionKind.ESCALATED):
        parts += [words("Escalated by "), *_person(proposal.escalated_by), words("\n")]
    if proposal.decision and proposal.execution and proposal.decision.kind is DecisionKind.REJECTED:
        parts += _given_up(proposal, proposal.decision)
    elif proposal.decision:
        parts += _decided(proposal.decision)
    if proposal.execution and proposal.execution.intervention:
        parts += _intervened(proposal.execution.intervention)
    parts += _carried_out(proposal, paused=paused)
    if proposal.state is State.ESCALATED and room != ESCALATION:
        parts.append(words(". It is with the escalation team now."))
    return [rich(line(*parts))] if parts else []


INTERVENED: Final = {Move.RETRY: "Tried again by", Move.CONFIRM: "It happened, says"}
_MARKS: Final = {
    DecisionKind.APPROVED: ("✅", "Approved by"),
    DecisionKind.EDITED: ("✏️", "Edited and approved by"),
    DecisionKind.REJECTED: ("⛔", "Rejected by"),
    DecisionKind.ESCALATED: ("🔺", "Escalated by"),
    DecisionKind.TAKEN_OVER: ("🙋", "Taken over by"),
    DecisionKind.WITHDRAWN: ("↩️", "Withdrawn by"),
}


def _decided(decision: Decision) -> list[Element]:
    match decision.kind:
        case DecisionKind.EXPIRED:
            return [
                words("⌛ Expired ", bold=True),
                _moment(decision.at),
                words(f": {decision.reason or 'nobody decided in time'}, so nothing was done."),
            ]
        case DecisionKind.AUTOMATIC:
            return [words("▶️ Ran on its own ", bold=True), _moment(decision.at), words(".")]
        case _:
            return [*_said(*_MARKS[decision.kind], decision.by, decision.at), *_reason(decision)]


def _given_up(proposal: Proposal, decision: Decision) -> list[Element]:
    """Whoever gave up an execution did not take back what others had approved, so both are named."""
    before: list[Element] = []
    for actor in proposal.approvals:
        before += [*([words(", ")] if before else [words("Approved by ")]), *_person(actor)]
    gone = _said("⛔", "Given up by", decision.by, decision.at)
    return [*before, *([words("\n")] if before else []), *gone, *_reason(decision)]


def _said(mark: str, verb: str, by: Actor, at: datetime) -> list[Element]:
    return [words(f"{mark} {verb} ", bold=True), *_person(by), words(" · "), _moment(at)]


def _reason(decision: Decision) -> list[Element]:
    return [words(f" “{shown(decision.reason, 300)}”", italic=True)] if decision.reason else []


def _intervened(last: Intervention) -> list[Element]:
    mark = "🔁" if last.move is Move.RETRY else "☑️"
    return [words("\n"), *_said(mark, INTERVENED[last.move], last.by, last.at)]


def _moment(at: datetime) -> Element:
    return date(int(at.timestamp()), "{date_short_pretty} at {time}", at.strftime("%d %b %H:%M UTC"))


def _person(actor: Actor) -> list[Element]:
    return [mention(actor.id)] if actor.kind == "person" else [words(shown(actor.name, 80))]


def _carried_out(proposal: Proposal, *, paused: bool) -> list[Element]:
    execution = proposal.execution
    if execution is None:
        return []
    sent = "Sent" if proposal.kind == "reply" else "Done"
    match execution.status:
        case "waiting" if paused:
            return [words("\n⏸️ It waits: an admin has paused all executions.", bold=True)]
        case "waiting" if execution.error:
            tries = "The first try" if execution.attempts == 1 else f"{execution.attempts} tries"
            return [
                words(f"\n⏳ {tries} did not get through: ", bold=True),
                words(f"{shown(execution.error, 300).removesuffix('.')}. It is tried again."),
            ]
        case "waiting":
            return [words(" · on its way…")]
        case "succeeded":
            return [words(f" · {sent}.", bold=True), *_result(proposal, execution.result)]
        case "failed":
            return [words("\n❗ It failed: ", bold=True), words(shown(execution.error or "no reason given", 500))]
        case "in_doubt":
            asked = f" Delivery {execution.key or 'unknown'}: say what happened."
            return [
                words("\n❓ Nobody knows whether it happened: ", bold=True),
                words(shown(execution.error or "the answer was lost", 500)),
                *([words(asked)] if proposal.state is State.IN_DOUBT else []),
            ]


def _result(proposal: Proposal, result: Json) -> list[Element]:
    """What the receiver of an action said, where it is short enough to read at a glance."""
    if proposal.kind != "action" or not isinstance(result, dict):
        return []
    told = [f"{name}: {value}" for name, value in result.items() if isinstance(value, str | int | float)]
    return [words(f" {shown(', '.join(told), 150)}")] if told else []
