"""The card of a case: a pure function from how the case stands to what Slack shows.

The order is that of a reviewer's eyes: who and what, the customer's words, what would happen and on what grounds, why
it waits, the buttons.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.decision import DecisionKind
from bot.domain.lifecycle import State
from bot.domain.masking import hide_named
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import number
from bot.domain.proposal import AGENT_CONNECTOR, Action, Content, Proposal, Reply
from bot.domain.text import fits, shorten
from bot.errands import ESCALATION, summary
from bot.ports import Case
from bot.slack.blocks import (
    Block,
    Element,
    all_shown,
    context,
    escape,
    is_light,
    line,
    mention,
    one_line,
    quote,
    rich,
    shown,
    shown_name,
    whole,
    words,
    wrapped_table,
)
from bot.slack.card_buttons import choices
from bot.slack.changes import changes
from bot.slack.moments import moment
from bot.slack.parts import (
    LONGEST_LINK,
    banner,
    cell,
    destination,
    evidence,
    goes_to,
    masked_in,
    safe_link,
    speaker,
    spoken,
    what,
    who,
)
from bot.slack.status import earlier_edit, earlier_edit_in_brief, status
from bot.slack.taken_back import taken_back
from bot.slack.wrote_again import wrote_again

CARD_CHARACTERS: Final = 1800
CARD_LINES: Final = 30
PREVIEW: Final = 600
CELL: Final = 300
ROWS: Final = 20
TALK_WORDS: Final = ((4000, 700), (1500, 700), (300, 200))
"""Characters of the conversation on an escalated card, and of the customer's words on another: fewer where all of it
together would be too much for Slack."""
MESSAGES: Final = 30
ARGUMENTS: Final = 2500
DECIDED_WORDS: Final = 600
DROPPED_WORDS: Final = 250
BRIEF_WORDS: Final = 200
BRIEF_REMARK: Final = 80
BRIEF_LINK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A message ready for Slack: the fallback text of its notification, and its blocks."""

    text: str
    blocks: list[Block]


def card(
    case: Case, room: str, *, undoable: bool = False, goes_out: datetime | None = None, brief: bool = False
) -> Painted:
    """The card of a case in a room (`review`, `escalation` or `ops`); `goes_out` is until when it can be undone.

    It is `brief` where Slack refused the other one, or would: then nothing is approved on it unread.
    """
    text = escape(_headline(case.proposal))
    for talk, asked in () if brief else TALK_WORDS:
        said = _conversation(case.proposal, talk) if room == ESCALATION else _customer_words(case.proposal, asked)
        blocks = _blocks(case, room, said, undoable=undoable, goes_out=goes_out)
        if is_light(blocks):
            return Painted(text=text, blocks=blocks)
    return Painted(text=text, blocks=_brief(case, room, undoable=undoable, goes_out=goes_out))


def _blocks(case: Case, room: str, talk: list[Block], *, undoable: bool, goes_out: datetime | None) -> list[Block]:
    proposal, cut = case.proposal, not fits_on_a_card(case.proposal.content)
    waiting = _waits(proposal, room)
    blocks = [_title(proposal, cut=cut), *talk]
    if not proposal.closed:  # what is decided may still be undone, or tried again
        blocks += wrote_again(proposal)
    if waiting:
        blocks += [
            *_proposed(proposal.content, cut=cut),
            *earlier_edit(case.revisions),
            *banner(proposal.content),
            *evidence(proposal),
        ]
        blocks += _small_print(proposal)
    elif changed := changes(case.revisions, f"{_label(proposal)[:-1]}, with changes:"):
        # A changed amount alone would not say of which order.
        blocks += [*(_arguments(proposal.content) if isinstance(proposal.content, Action) else []), *changed]
    else:
        blocks += _proposed_in_short(proposal)
    blocks += status(proposal, room, paused=case.paused, goes_out=goes_out)
    blocks += taken_back(case)
    blocks += _handed_over(proposal)
    return [*blocks, *choices(proposal, room, cut=cut, undoable=undoable)]


def _brief(case: Case, room: str, *, undoable: bool, goes_out: datetime | None) -> list[Block]:
    """What any message of Slack's has room for, in the plainest of blocks; the windows behind its buttons show all."""
    proposal = case.proposal
    blocks = [
        _title(proposal, cut=True, longest_link=BRIEF_LINK),
        rich(
            line(words("This case is too long for a card; its beginning:", italic=True)),
            quote(shown(summary(proposal), BRIEF_WORDS)),
        ),
    ]
    if not proposal.closed:
        blocks += wrote_again(proposal, BRIEF_REMARK)
    if _waits(proposal, room):
        blocks += earlier_edit_in_brief(case.revisions)
        blocks += _small_print(proposal, brief=True)
    blocks += status(proposal, room, paused=case.paused, goes_out=goes_out)
    blocks += taken_back(case)
    blocks += _handed_over(proposal)
    return [*blocks, *choices(proposal, room, cut=True, undoable=undoable)]


def _waits(proposal: Proposal, room: str) -> bool:
    """Whether somebody decides it in this room."""
    return proposal.state is State.PENDING or (proposal.state is State.ESCALATED and room == ESCALATION)


def fits_on_a_card(content: Content) -> bool:
    """Whether nothing of it is cut on the card."""
    if isinstance(content, Reply):
        limits = {"limit_chars": CARD_CHARACTERS, "limit_lines": CARD_LINES}
        return fits(content.text, **limits) and fits(whole(content.text), **limits)
    names, cells = map(shown_name, content.args), map(cell, hide_named(content.args).values())
    return (
        len(_rows(content)) == len(content.args)
        and all(len(name) <= CELL for name in names)
        and all(all_shown(text, CELL) and fits(text, limit_chars=CELL, limit_lines=CARD_LINES) for text in cells)
    )


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


def _title(proposal: Proposal, *, cut: bool, longest_link: int = LONGEST_LINK) -> Block:
    content = proposal.content
    parts = [*what(content, proposal.conversation.customer), words(" · "), words(proposal.category, code=True)]
    if cut:
        parts.append(words(f" · {_length(content):,} characters", bold=True))
    if opened := safe_link(proposal.conversation.url, longest_link):
        parts += [words(" · "), *opened]
    if proposal.conversation.subject:
        parts.append(words(f"\n{one_line(proposal.conversation.subject, 150)}"))
    return rich(line(*parts))


def _length(content: Content) -> int:
    return len(content.text) if isinstance(content, Reply) else len(json.dumps(dict(content.args), ensure_ascii=False))


def _customer_words(proposal: Proposal, limit: int) -> list[Block]:
    text = proposal.asked
    if not text.strip():
        return []
    earlier = len(proposal.conversation.messages) - 1
    tail = [line(words(f"{earlier} earlier message{'s' if earlier > 1 else ''} in the full case", italic=True))]
    return [rich(*spoken(text, limit), *(tail if earlier > 0 else []))]


def _conversation(proposal: Proposal, left: int) -> list[Block]:
    """The newest messages that fit, oldest first; the full case has them all."""
    sections: list[Element] = []
    unseen = len(proposal.conversation.messages)
    for message in reversed(proposal.conversation.messages[-MESSAGES:]):
        name = shown(speaker(message.role, proposal.conversation.customer), 80)
        sections[:0] = [line(words(name, bold=True)), *spoken(message.text, left)]
        left -= min(len(message.text), left) + len(name)
        unseen -= 1
        if left < 200:
            break
    if unseen > 0:
        earlier = "1 earlier message is" if unseen == 1 else f"{unseen} earlier messages are"
        sections[:0] = [line(words(f"{earlier} in the full case.", italic=True))]
    return [rich(*sections)] if sections else []


def _proposed(content: Content, *, cut: bool) -> list[Block]:
    part = "Only the beginning." if cut else "Some of it is masked here." if masked_in(content) else ""
    rest = [context(f"{part} Read and approve shows all of it.")] if part else []
    if isinstance(content, Action):
        return [*_arguments(content), *rest]
    if not content.text.strip():
        return [rich(line(words("There is no draft.", italic=True)))]
    # Behind a bar, as the customer's words are: a line of the draft must not pass for one of ours.
    text = quote(shown(content.text, PREVIEW if cut else CARD_CHARACTERS))
    return [rich(line(words("Draft", bold=True)), text), *rest]


def _arguments(content: Action) -> list[Block]:
    rows = _rows(content)
    return [wrapped_table([("Detail", "Value"), *rows])] if rows else []


def _rows(content: Action) -> list[tuple[str, str]]:
    """As many arguments as a card has room for."""
    rows: list[tuple[str, str]] = []
    left = ARGUMENTS
    for name, value in list(hide_named(content.args).items())[:ROWS]:
        row = (shorten(shown_name(name), CELL), shown(cell(value), CELL))
        left -= len(row[0]) + len(row[1])
        if left < 0:
            break
        rows.append(row)
    return rows


def _proposed_in_short(proposal: Proposal) -> list[Block]:
    """What was proposed, under a word that says whether the customer got it."""
    content, dropped = proposal.content, proposal.state in (State.CANCELLED, State.EXPIRED)
    if isinstance(content, Action):
        return [*([rich(line(words(_label(proposal), bold=True)))] if dropped else []), *_arguments(content)]
    if not content.text.strip():
        return [rich(line(words("There was no draft.")))]
    text = quote(shown(content.text, DROPPED_WORDS if dropped else DECIDED_WORDS))
    return [rich(line(words(_label(proposal), bold=True)), text)]


def _label(proposal: Proposal) -> str:
    """What became of the wording, or of the deed, below."""
    done = "sent" if isinstance(proposal.content, Reply) else "done"
    match proposal.state:
        case State.CANCELLED | State.EXPIRED if proposal.execution and proposal.execution.key:
            return f"Given up; an earlier try may have {done} it:"
        case State.CANCELLED | State.EXPIRED:
            return f"Not {done}:"
        case State.EXECUTED:
            return "Handed to the AI:" if proposal.connector == AGENT_CONNECTOR else f"{done.capitalize()}:"
        case _:
            return "Draft:"


def _handed_over(proposal: Proposal) -> list[Block]:
    """Where the customer waits for whoever took the case over."""
    taken = proposal.decision is not None and proposal.decision.kind is DecisionKind.TAKEN_OVER
    goal = destination(proposal) if taken else []
    return [rich(line(words("The customer waits for an answer: "), *goal))] if goal else []


def _small_print(proposal: Proposal, *, brief: bool = False) -> list[Block]:
    ruling, confidence = proposal.ruling, proposal.confidence
    why = "Why it was held: " if proposal.escalated_by else "Why it waits: "
    parts: list[Element] = [words(why, bold=True), words(one_line(ruling.reason, BRIEF_WORDS if brief else 400))]
    parts += [words(f"\n{one_line(remark, BRIEF_REMARK if brief else 300)}") for remark in proposal.notes[:5]]
    if proposal.connector == AGENT_CONNECTOR:
        parts.append(words("\nThe AI carries it out itself once it is approved."))
    elif goal := goes_to(proposal):
        parts += [words("\nGoes to "), *goal]
    if ruling.approvals_needed > 1:
        parts.append(words(f"\n{len(proposal.approvals)} of {ruling.approvals_needed} approvals", bold=True))
        for actor in proposal.approvals:
            parts += [words(" "), mention(actor.id)]
    parts += [
        words("\nExpires "),
        moment(proposal.expires_at),
    ]
    if confidence is None:
        if proposal.connector != THRESHOLDS_CONNECTOR:
            parts.append(words(" · no confidence given"))
    elif f"{number(confidence)} sure" not in ruling.reason:
        needed = "" if ruling.threshold is None else f", {number(ruling.threshold)} needed to run on its own"
        parts.append(words(f" · confidence {number(confidence)}{needed}"))
    return [rich(line(*parts))]
