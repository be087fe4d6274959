"""How a case stands: who decided what and when, and how carrying it out went."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.canonical import Json
from bot.domain.decision import Actor, Decision, DecisionKind, Intervention
from bot.domain.lifecycle import Move, State
from bot.domain.proposal import AGENT_CONNECTOR, Proposal, Revision
from bot.errands import ESCALATION
from bot.slack.blocks import Block, Element, date, line, mention, rich, shown, words
from bot.slack.changes import difference
from bot.slack.moments import moment

REASON: Final = 300
BRIEF_REASON: Final = 80


def status(proposal: Proposal, room: str, *, paused: bool = False, goes_out: datetime | None = None) -> list[Block]:
    """Escalated by whom, decided by whom, carried out or not; empty while a new case waits."""
    parts: list[Element] = []
    if proposal.escalated_by and not (proposal.decision and proposal.decision.kind is DecisionKind.ESCALATED):
        parts += [words("Escalated by "), *_person(proposal.escalated_by), words("\n")]
    if proposal.decision and proposal.execution and proposal.decision.kind is DecisionKind.REJECTED:
        parts += _given_up(proposal, proposal.decision)
    elif proposal.decision:
        parts += _decided(proposal.decision, proposal.approvals, proposal.edited_by)
    if proposal.execution and proposal.execution.intervention:
        parts += _intervened(proposal.execution.intervention)
    parts += _carried_out(proposal, paused=paused, goes_out=goes_out)
    if proposal.state is State.ESCALATED and room != ESCALATION:
        parts.append(words(" · It is with the escalation team now."))
    return [rich(line(*parts))] if parts else []


def earlier_edit(revisions: Sequence[Revision]) -> list[Block]:
    """Who edited what still waits, why, and what changed; empty where it is the AI's own."""
    if len(revisions) < 2:
        return []
    heading = line(*_edited_by(revisions, REASON), words(":"))
    return [rich(heading, *difference(revisions[0].content, revisions[-1].content))]


def earlier_edit_in_brief(revisions: Sequence[Revision]) -> list[Block]:
    """Who edited what still waits, and why, where there is no room for what changed."""
    return [rich(line(*_edited_by(revisions, BRIEF_REASON), words(".")))] if len(revisions) > 1 else []


def _edited_by(revisions: Sequence[Revision], reason: int) -> list[Element]:
    editors = list({revision.author.id: revision.author for revision in revisions[1:]}.values())
    return [words("✏️ Edited by ", bold=True), *_people(editors), *_reason(revisions[-1].reason, reason)]


INTERVENED: Final = {Move.RETRY: "Tried again by", Move.CONFIRM: "It happened, says"}
_MARKS: Final = {
    DecisionKind.REJECTED: ("⛔", "Rejected by"),
    DecisionKind.ESCALATED: ("🔺", "Escalated by"),
    DecisionKind.TAKEN_OVER: ("🙋", "Taken over by"),
    DecisionKind.WITHDRAWN: ("↩️", "Withdrawn by"),
}


def _decided(decision: Decision, approvals: Sequence[Actor], editor: Actor | None) -> list[Element]:
    match decision.kind:
        case DecisionKind.EXPIRED:
            return [
                words("⌛ Expired ", bold=True),
                moment(decision.at),
                words(f": {decision.reason or 'nobody decided in time'}, so nothing was done."),
            ]
        case DecisionKind.AUTOMATIC:
            return [words("▶️ Ran on its own ", bold=True), moment(decision.at), words(".")]
        case DecisionKind.APPROVED | DecisionKind.EDITED:
            verb, by = _approval(approvals if len(approvals) > 1 else (decision.by,), editor)
            mark = "✏️" if editor else "✅"
            return [*_signed(f"{mark} {verb} ", by, decision.at), *_reason(decision.reason)]
        case _:
            return [*_said(*_MARKS[decision.kind], (decision.by,), decision.at), *_reason(decision.reason)]


def _approval(who: Sequence[Actor], editor: Actor | None) -> tuple[str, list[Element]]:
    """The verb and the names: whoever approved it, and whoever edited it before, where that is somebody else."""
    if editor is None:
        return "Approved by", _people(who)
    if [actor.id for actor in who] == [editor.id]:
        return "Edited and approved by", _people(who)
    return "Approved by", [*_people(who), words(", as edited by "), *_person(editor)]


def _given_up(proposal: Proposal, decision: Decision) -> list[Element]:
    """Whoever gave up an execution did not take back what others had approved, perhaps edited, so all are named."""
    gone = [*_said("⛔", "Given up by", (decision.by,), decision.at), *_reason(decision.reason)]
    if not proposal.approvals:
        return gone
    revision = proposal.revision
    verb, by = _approval(proposal.approvals, revision.author if revision.number > 1 else None)
    return [words(f"{verb} "), *by, *_reason(revision.reason), words("\n"), *gone]


def _said(mark: str, verb: str, by: Sequence[Actor], at: datetime) -> list[Element]:
    return _signed(f"{mark} {verb} ", _people(by), at)


def _signed(what: str, by: Sequence[Element], at: datetime) -> list[Element]:
    return [words(what, bold=True), *by, words(" · "), moment(at)]


def _people(actors: Sequence[Actor]) -> list[Element]:
    """One, or `one and another`: whoever approved is named, also where the last one's click let it run."""
    parts: list[Element] = []
    for place, actor in enumerate(actors):
        parts += [words(" and " if place == len(actors) - 1 else ", ")] if place else []
        parts += _person(actor)
    return parts


def _reason(reason: str | None, limit: int = REASON) -> list[Element]:
    return [words(f" “{shown(reason, limit)}”", italic=True)] if reason else []


def _intervened(last: Intervention) -> list[Element]:
    mark = "🔁" if last.move is Move.RETRY else "☑️"
    return [words("\n"), *_said(mark, INTERVENED[last.move], (last.by,), last.at)]


def _person(actor: Actor) -> list[Element]:
    return [mention(actor.id)] if actor.kind == "person" else [words(shown(actor.name, 80))]


def _carried_out(proposal: Proposal, *, paused: bool, goes_out: datetime | None) -> list[Element]:
    execution = proposal.execution
    if execution is None:
        return []
    sent = "Sent." if proposal.kind == "reply" else "Done."
    if proposal.connector == AGENT_CONNECTOR:
        sent = "The AI has the go-ahead."
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
            if goes_out is None:
                return [words(" · on its way…")]
            at = date(int(goes_out.timestamp()), "{time_secs}", goes_out.strftime("%H:%M:%S UTC"))
            return [words(" · goes out at "), at, words(".")]
        case "succeeded":
            return [words(f" · {sent}", bold=True), *_result(proposal, execution.result)]
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
