"""The card of a case: a pure function from how the case stands to what Slack shows.

The order is that of a reviewer's eyes: who and what, the customer's words, what would happen, why it waits, the buttons.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.decision import Actor, Decision, DecisionKind, Seen
from bot.domain.lifecycle import State
from bot.domain.links import link_hosts
from bot.domain.policy import number
from bot.domain.proposal import Action, Content, Json, Proposal, Reply
from bot.domain.text import fits, reveal
from bot.errands import ESCALATION
from bot.ports import Case
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    actions,
    button,
    context,
    date,
    escape,
    line,
    link,
    mention,
    overflow,
    quote,
    rich,
    shown,
    table,
    words,
)
from bot.slack.changes import changes

CARD_CHARACTERS: Final = 2400
CARD_LINES: Final = 40
CELL: Final = 300
ROWS: Final = 20
CUSTOMER_WORDS: Final = 700
TALK_WORDS: Final = 4000
DECIDED_WORDS: Final = 600
SOURCES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A message ready for Slack: the fallback text of its notification, and its blocks."""

    text: str
    blocks: list[Block]


def card(case: Case, room: str, *, undoable: bool = False) -> Painted:
    """The card of a case in a room (`review`, `escalation` or `ops`)."""
    proposal = case.proposal
    waiting = proposal.state in (State.PENDING, State.ESCALATED)
    talk = _conversation(proposal) if room == ESCALATION else _customer_words(proposal)
    blocks = [_title(proposal), *talk]
    if waiting:
        blocks += [*_proposed(proposal.content), *_banner(proposal.content), *_small_print(proposal)]
    elif changes(case.revisions):
        blocks += changes(case.revisions)
    else:
        blocks += _proposed_in_short(proposal.content)
    blocks += _status(proposal, room)
    if buttons := _buttons(proposal, room, undoable=undoable):
        blocks.append(actions(f"sayso:{proposal.id}:{room}:{proposal.version}", buttons))
    return Painted(text=escape(_headline(proposal)), blocks=blocks)


def fits_on_a_card(content: Content) -> bool:
    """Whether a reviewer sees all of it on the card, so that Approve may stand there."""
    if isinstance(content, Reply):
        return fits(content.text, limit_chars=CARD_CHARACTERS, limit_lines=CARD_LINES)
    cells = [cell(value) for value in content.args.values()]
    return len(cells) <= ROWS and all(len(text) <= CELL for text in (*cells, *content.args))


def cell(value: Json) -> str:
    """An argument's value as a reader expects it: words as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def who(customer: Mapping[str, Json]) -> str:
    """What to call the customer."""
    return next((str(customer[key]) for key in ("name", "email", "id") if customer.get(key)), "the customer")


def _headline(proposal: Proposal) -> str:
    verb = {
        State.PENDING: "waits for you",
        State.ESCALATED: "was escalated",
        State.FAILED: "failed",
        State.IN_DOUBT: "is in doubt",
    }.get(proposal.state, f"is {proposal.state.value}")
    return (
        f"{_what(proposal.content)} for {shown(who(proposal.conversation.customer), 80)} ({proposal.category}) {verb}"
    )


def _what(content: Content) -> str:
    return "A reply" if isinstance(content, Reply) else shown(content.name, 80)


def _title(proposal: Proposal) -> Block:
    content = proposal.content
    name = words(shown(who(proposal.conversation.customer), 80), bold=True)
    start = (
        [words("Reply to ", bold=True)]
        if isinstance(content, Reply)
        else [
            words(shown(content.name, 80), bold=True, code=True),
            words(" for "),
        ]
    )
    parts = [*start, name, words(" · "), words(proposal.category, code=True)]
    if not fits_on_a_card(content):
        parts.append(words(f" · {_length(content):,} characters", bold=True))
    if proposal.conversation.subject:
        parts.append(words(f"\n{shown(proposal.conversation.subject, 150)}"))
    return rich(line(*parts))


def _length(content: Content) -> int:
    return len(content.text) if isinstance(content, Reply) else len(json.dumps(dict(content.args), ensure_ascii=False))


def _customer_words(proposal: Proposal) -> list[Block]:
    text = proposal.conversation.last_customer_text
    if not text.strip():
        return []
    earlier = len(proposal.conversation.messages) - 1
    tail = [line(words(f"{earlier} earlier message{'s' if earlier > 1 else ''} in the full case", italic=True))]
    return [rich(quote(shown(text, CUSTOMER_WORDS)), *(tail if earlier > 0 else []))]


def _conversation(proposal: Proposal) -> list[Block]:
    """The newest messages that fit, oldest first; the full case has them all."""
    sections: list[Element] = []
    left = TALK_WORDS
    for message in reversed(proposal.conversation.messages):
        text = shown(message.text, min(left, 1500)) or "(empty)"
        left -= len(text)
        speaker = who(proposal.conversation.customer) if message.role == "customer" else message.role
        sections[:0] = [line(words(shown(speaker, 80), bold=True)), quote(text)]
        if left < 200:
            break
    unseen = len(proposal.conversation.messages) - len(sections) // 2
    if unseen > 0:
        sections[:0] = [line(words(f"{unseen} earlier messages are in the full case.", italic=True))]
    return [rich(*sections)] if sections else []


def _proposed(content: Content) -> list[Block]:
    if isinstance(content, Action):
        rows = [(shown(name, CELL), shown(cell(value), CELL)) for name, value in content.args.items()]
        return [table([("Argument", "Value"), *rows[:ROWS]])] if rows else []
    if not content.text.strip():
        return [rich(line(words("There is no draft.", italic=True)))]
    return [rich(line(words("Draft", bold=True))), rich(line(words(shown(content.text, CARD_CHARACTERS))))]


def _proposed_in_short(content: Content) -> list[Block]:
    if isinstance(content, Action):
        return _proposed(content)
    return [rich(line(words(shown(content.text, DECIDED_WORDS) or "There was no draft.")))]


def _banner(content: Content) -> list[Block]:
    text = content.text if isinstance(content, Reply) else "\n".join(cell(value) for value in content.args.values())
    blocks = []
    if hidden := reveal(text).hidden:
        blocks.append(context(f"⚠ Hidden characters are spelled out: {'; '.join(hidden)}"))
    if hosts := link_hosts(text):
        blocks.append(context(f"Links lead to: {', '.join(shown(host, 100) for host in hosts[:10])}"))
    return blocks


def _small_print(proposal: Proposal) -> list[Block]:
    ruling = proposal.ruling
    sure = "no confidence given" if proposal.confidence is None else f"confidence {number(proposal.confidence)}"
    needed = f", needs {number(ruling.threshold)}" if ruling.threshold is not None else ""
    parts: list[Element] = [
        words("Why it waits: ", bold=True),
        words(shown(ruling.reason, 400)),
        words(f" ({sure}{needed})"),
    ]
    for remark in proposal.notes[:5]:
        parts.append(words(f"\n{shown(remark, 300)}"))
    expiry = int(proposal.expires_at.timestamp())
    parts += [
        words("\nExpires "),
        date(expiry, "{date_short_pretty} at {time}", proposal.expires_at.strftime("%d %b %H:%M UTC")),
    ]
    if ruling.approvals_needed > 1:
        parts.append(words(f" · {len(proposal.approvals)} of {ruling.approvals_needed} approvals"))
        for actor in proposal.approvals:
            parts += [words(" "), mention(actor.id)]
    return [rich(line(*parts)), *_evidence(proposal)]


def _evidence(proposal: Proposal) -> list[Block]:
    lines: list[Element] = []
    for source in proposal.evidence[:SOURCES]:
        parts = [words("• "), words(shown(source.title, 120))]
        if source.quote:
            parts.append(words(f": “{shown(source.quote, 220)}”", italic=True))
        hosts = link_hosts(source.url) if source.url else ()
        if source.url and hosts and source.url.startswith("https://") and len(source.url) < 2000:
            parts += [words(" "), link(source.url, shown(hosts[0], 80))]
        lines.append(line(*parts))
    if more := len(proposal.evidence) - SOURCES:
        lines += [line(words(f"{more} more in the full case", italic=True))] if more > 0 else []
    return [rich(line(words("Sources", bold=True)), *lines)] if lines else []


def _status(proposal: Proposal, room: str) -> list[Block]:
    parts: list[Element] = []
    if proposal.escalated_by and not (proposal.decision and proposal.decision.kind is DecisionKind.ESCALATED):
        parts += [words("Escalated by "), *_person(proposal.escalated_by), words("\n")]
    if proposal.decision:
        parts += _decided(proposal.decision)
    parts += _carried_out(proposal)
    if proposal.state is State.ESCALATED and room != ESCALATION:
        parts.append(words(" It is with the escalation team now."))
    return [rich(line(*parts))] if parts else []


_MARKS: Final = {
    DecisionKind.APPROVED: ("✅", "Approved by"),
    DecisionKind.EDITED: ("✏️", "Edited and approved by"),
    DecisionKind.REJECTED: ("⛔", "Rejected by"),
    DecisionKind.ESCALATED: ("🔺", "Escalated by"),
    DecisionKind.TAKEN_OVER: ("🙋", "Taken over by"),
    DecisionKind.WITHDRAWN: ("↩️", "Withdrawn by"),
}


def _decided(decision: Decision) -> list[Element]:
    at = date(int(decision.at.timestamp()), "{date_short_pretty} at {time}", decision.at.strftime("%d %b %H:%M UTC"))
    match decision.kind:
        case DecisionKind.EXPIRED:
            return [words("⌛ Expired ", bold=True), at, words(": nobody decided in time, so nothing was done.")]
        case DecisionKind.AUTOMATIC:
            return [words("▶️ Ran on its own ", bold=True), at, words(".")]
        case _:
            mark, verb = _MARKS[decision.kind]
            reason = [words(f" “{shown(decision.reason, 300)}”", italic=True)] if decision.reason else []
            return [words(f"{mark} {verb} ", bold=True), *_person(decision.by), words(" · "), at, *reason]


def _person(actor: Actor) -> list[Element]:
    return [mention(actor.id)] if actor.kind == "person" else [words(shown(actor.name, 80))]


def _carried_out(proposal: Proposal) -> list[Element]:
    execution = proposal.execution
    if execution is None:
        return []
    sent = "Sent" if proposal.kind == "reply" else "Done"
    match execution.status:
        case "waiting":
            return [words(" · on its way…")]
        case "succeeded":
            return [words(f" · {sent}.", bold=True)]
        case "failed":
            return [words("\n❗ It failed: ", bold=True), words(shown(execution.error or "no reason given", 500))]
        case "in_doubt":
            return [
                words("\n❓ Nobody knows whether it happened: ", bold=True),
                words(shown(execution.error or "the answer was lost", 500)),
                words(" Please look, then say what happened."),
            ]


def _buttons(proposal: Proposal, room: str, *, undoable: bool) -> list[Element]:
    value = ids.carried(Seen(proposal_id=proposal.id, revision=proposal.revision.number, digest=proposal.digest))
    edit = button("Edit", ids.EDIT, value)
    menu = overflow(
        ids.MORE, [("Reject…", f"{ids.REJECT_OPTION}|{value}"), ("View full case", f"{ids.FULL_OPTION}|{value}")]
    )
    match proposal.state:
        case State.PENDING:
            return [_approve(proposal.content, value), edit, button("Escalate", ids.ESCALATE, value), menu]
        case State.ESCALATED if room == ESCALATION:
            return [button("Take over", ids.TAKE_OVER, value), _approve(proposal.content, value), edit, menu]
        case State.APPROVED if undoable:
            return [button("Undo", ids.UNDO, value)]
        case State.FAILED:
            return [button("Try again", ids.RETRY, value, style="primary"), button("Give up", ids.GIVE_UP, value)]
        case State.IN_DOUBT:
            return [
                button("It happened", ids.CONFIRM, value, style="primary"),
                button("It did not: try again", ids.RETRY, value),
                button("It did not: give up", ids.GIVE_UP, value),
            ]
        case _:
            return []


def _approve(content: Content, value: str) -> Element:
    if isinstance(content, Reply) and not content.text.strip():
        return button("Write a reply", ids.EDIT, value, style="primary")
    if fits_on_a_card(content):
        return button("Approve", ids.APPROVE, value, style="primary")
    return button("Read and approve", ids.READ, value, style="primary")
