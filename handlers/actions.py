"""The buttons of a card: identify, decide, and acknowledge once the decision is durable."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.authority import Person
from bot.domain.decision import Seen
from bot.domain.errors import SaysoError, WroteAgain
from bot.domain.lifecycle import Move
from bot.domain.proposal import Proposal
from bot.slack import ids
from bot.slack.courier import NETWORK, UNREADABLE, said
from bot.slack.edit_modal import edit_modal
from bot.slack.escalate_modal import escalate_modal
from bot.slack.full_case import Story, full_case
from bot.slack.metadata import Metadata
from bot.slack.patience import within
from bot.slack.read_modal import read_modal
from bot.slack.reject_modal import reject_modal
from bot.slack.retry_modal import retry_modal
from bot.slack.thresholds import applied
from bot.slack.window import Window
from handlers.desk import Body, Desk, channel_of
from handlers.home import home_again

log = structlog.get_logger(__name__)
Decide = Callable[[Seen, Person], Awaitable[Proposal]]

WINDOW_SECONDS: Final = 2.5
TRIGGER_SPENT: Final = "Slack took too long to open the window; click again."
WINDOW_REFUSED: Final = "Slack refused to open the window ({name}); an admin finds more in Sayso's log."
SPENT: Final = frozenset(
    {"expired_trigger_id", "trigger_expired", "trigger_exchanged", "exchanged_trigger_id", "invalid_trigger_id"}
    | {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", UNREADABLE}
)


async def approve(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Approve what the card shows; where the customer wrote since, show that first."""
    try:
        seen = ids.seen_of(action["value"])
        await desk.approve(body, seen)
    except WroteAgain:
        await _open(ack, body, action["value"], client, desk, Move.APPROVE, read_modal)
        return
    except SaysoError as error:
        await desk.tell(body, error, about=_case(action["value"]))
    await ack()


async def escalate(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Hand the case to the escalation team."""
    await _decide(ack, body, action["value"], desk, desk.approvals.escalate)


async def take_over(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """A person answers the customer elsewhere."""
    await _decide(ack, body, action["value"], desk, desk.approvals.take_over)


async def undo(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Take an approval back."""
    await _decide(ack, body, action["value"], desk, desk.approvals.undo)


async def retry(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Carry it out once more; where the customer wrote more than the card shows, show all of it first."""
    try:
        seen = ids.seen_of(action["value"])
        await desk.act(body, lambda person: desk.executions.retry(seen, person))
    except WroteAgain:
        await _open(ack, body, action["value"], client, desk, Move.RETRY, retry_modal)
        return
    except SaysoError as error:
        await desk.tell(body, error, about=_case(action["value"]))
    await ack()


async def confirm(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """It did happen."""
    await _decide(ack, body, action["value"], desk, desk.executions.confirm)


async def give_up(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """It did not happen and shall not."""
    await _decide(ack, body, action["value"], desk, desk.approvals.reject)


async def edit(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Open the text or the arguments for editing."""
    await _open(ack, body, action["value"], client, desk, Move.EDIT, edit_modal)


async def read(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Open the whole text, with Approve below it."""
    await _open(ack, body, action["value"], client, desk, Move.APPROVE, read_modal)


async def more(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """The ⋯ menu: escalate with a note, reject with a reason, or the full case."""
    choice, _, value = str(action["selected_option"]["value"]).partition("|")
    if choice == ids.REJECT_OPTION:
        await _open(ack, body, value, client, desk, Move.REJECT, reject_modal)
    elif choice == ids.ESCALATE_OPTION:
        await _open(ack, body, value, client, desk, Move.ESCALATE, escalate_modal)
    else:
        await open_case(ack, body, value, client, desk)


async def reject(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Reject, with a reason where one is given."""
    await _open(ack, body, action["value"], client, desk, Move.REJECT, reject_modal)


async def log_more(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """The ⋯ menu of a log line: this was wrong, or the full case."""
    choice, _, value = str(action["selected_option"]["value"]).partition("|")
    if choice != ids.WRONG_OPTION:
        await open_case(ack, body, value, client, desk)
        return
    try:
        await desk.act(body, lambda person: desk.executions.mark_wrong(value, person))
    except SaysoError as error:
        await desk.tell(body, error, about=value)
    await ack()


async def apply(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Set the threshold that a what-if showed."""
    try:
        wish, delivery = applied(action["value"]), body.get("trigger_id")
        changed = await desk.act(body, lambda person: desk.thresholds.change(wish, person, delivery=delivery))
        await desk.say(body, changed.sentence())
    except SaysoError as error:
        await desk.tell(body, error)
    await ack()


async def show(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Open a case from a list."""
    await open_case(ack, body, action["value"], client, desk)


async def open_case(ack: AsyncAck, body: Body, value: str, client: AsyncWebClient, desk: Desk) -> None:
    """The full case, for whoever is a member of the team; with Approve, for whoever may approve it now."""
    try:
        seen = ids.seen_of(value)
        await desk.person(body, groups="not")
        story = await desk.store.read(
            lambda tx: Story(
                proposal=tx.proposal(seen.proposal_id),
                revisions=tx.revisions(seen.proposal_id),
                decisions=tx.decisions(seen.proposal_id),
                interventions=tx.interventions(seen.proposal_id),
            )
        )
        approvable = await _approvable(body, desk, story.proposal)
        metadata = Metadata(seen=_as_it_stands(story.proposal), channel=channel_of(body)).text()
        await _show_view(body, client, desk, full_case(story, metadata, approvable=approvable))
    except SaysoError as error:
        await desk.tell(body, error)
    await ack()


async def _approvable(body: Body, desk: Desk, proposal: Proposal) -> bool:
    try:
        await desk.act(body, lambda person: desk.approvals.check(_as_it_stands(proposal), person, Move.APPROVE))
    except SaysoError:
        return False
    return True


def _case(value: str) -> str:
    """The id of the case that a button is about, whatever else it carries."""
    return value.partition(":")[0]


def _as_it_stands(proposal: Proposal) -> Seen:
    return replace(proposal.seen, follow_ups=len(proposal.follow_ups))


async def _decide(ack: AsyncAck, body: Body, value: str, desk: Desk, decide: Decide) -> None:
    try:
        seen = ids.seen_of(value)
        await desk.act(body, lambda person: decide(seen, person))
    except SaysoError as error:
        await desk.tell(body, error, about=_case(value))
    await ack()


async def _open(
    ack: AsyncAck, body: Body, value: str, client: AsyncWebClient, desk: Desk, move: Move, paint: Window
) -> None:
    """Open a modal for a move that this person may make now: nobody should type in vain."""
    try:
        seen = ids.seen_of(value)
        proposal = await desk.act(body, lambda person: desk.approvals.check(seen, person, move))
        metadata = Metadata(seen=replace(seen, follow_ups=len(proposal.follow_ups)), channel=channel_of(body)).text()
        revisions = await desk.store.read(lambda tx: tx.revisions(proposal.id)) if proposal.revision.number > 1 else []
        await _show_view(body, client, desk, paint(proposal, metadata, revisions))
    except SaysoError as error:
        await desk.tell(body, error, about=_case(value))
    await ack()


async def _show_view(body: Body, client: AsyncWebClient, desk: Desk, view: dict[str, Any]) -> None:
    """The one Slack call on the click path: a trigger lives three seconds."""
    try:
        async with within(WINDOW_SECONDS):
            await client.views_open(trigger_id=body["trigger_id"], view=view)
    except NETWORK as error:
        log.warning("view_not_opened", error=str(error)[:300])
        await _not_opened(body, client, desk, TRIGGER_SPENT)
    except SlackApiError as error:
        status, name = said(error)
        log.warning("view_not_opened", status=status, error=name)
        spent = status == 429 or status >= 500 or name in SPENT
        await _not_opened(body, client, desk, TRIGGER_SPENT if spent else WINDOW_REFUSED.format(name=name))


async def _not_opened(body: Body, client: AsyncWebClient, desk: Desk, why: str) -> None:
    if channel_of(body) is None:
        home_again(body, client, desk, told=why)
    else:
        await desk.tell(body, SaysoError(why))
