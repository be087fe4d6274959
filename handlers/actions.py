"""The buttons of a card: identify, decide, and acknowledge once the decision is durable."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import Approvals
from bot.domain.authority import Person
from bot.domain.decision import Seen
from bot.domain.errors import SaysoError
from bot.domain.lifecycle import Move
from bot.domain.proposal import Proposal
from bot.slack import ids
from bot.slack.courier import NETWORK
from bot.slack.metadata import Metadata
from bot.slack.modals import Story, edit_modal, full_case, read_modal, reject_modal
from handlers.desk import Body, Desk, channel_of

log = structlog.get_logger(__name__)
Decide = Callable[[Approvals, Seen, Person], Awaitable[Proposal]]
Paint = Callable[[Proposal, str], dict[str, Any]]

TRIGGER_SPENT = "Slack took too long to open the window; click again."


async def approve(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Approve what the card shows."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.approve(seen, person))


async def escalate(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Hand the case to the escalation team."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.escalate(seen, person))


async def take_over(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """A person answers the customer elsewhere."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.take_over(seen, person))


async def undo(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Take an approval back."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.undo(seen, person))


async def retry(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """Carry it out once more."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.retry(seen, person))


async def confirm(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """It did happen."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.confirm(seen, person))


async def give_up(ack: AsyncAck, body: Body, action: Body, desk: Desk) -> None:
    """It did not happen and shall not."""
    await _decide(ack, body, action["value"], desk, lambda desk_, seen, person: desk_.reject(seen, person))


async def edit(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Open the text or the arguments for editing."""
    await _open(ack, body, action["value"], client, desk, Move.EDIT, edit_modal)


async def read(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Open the whole text, with Approve below it."""
    await _open(ack, body, action["value"], client, desk, Move.APPROVE, read_modal)


async def more(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """The ⋯ menu: reject with a reason, or the full case."""
    choice, _, value = str(action["selected_option"]["value"]).partition("|")
    if choice == ids.REJECT_OPTION:
        await _open(ack, body, value, client, desk, Move.REJECT, reject_modal)
    else:
        await open_case(ack, body, value, client, desk)


async def show(ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Open a case from a list."""
    await open_case(ack, body, action["value"], client, desk)


async def open_case(ack: AsyncAck, body: Body, value: str, client: AsyncWebClient, desk: Desk) -> None:
    """The full case, for whoever is a member of the team."""
    try:
        seen = ids.seen_of(value)
        await desk.person(body)
        story = await desk.store.read(
            lambda tx: Story(
                proposal=tx.proposal(seen.proposal_id),
                revisions=tx.revisions(seen.proposal_id),
                decisions=tx.decisions(seen.proposal_id),
            )
        )
        await _show_view(body, client, desk, full_case(story, ""))
    except SaysoError as error:
        await desk.tell(body, error)
    await ack()


async def _decide(ack: AsyncAck, body: Body, value: str, desk: Desk, decide: Decide) -> None:
    try:
        seen = ids.seen_of(value)
        await decide(desk.approvals, seen, await desk.person(body))
    except SaysoError as error:
        await desk.tell(body, error)
    await ack()


async def _open(
    ack: AsyncAck, body: Body, value: str, client: AsyncWebClient, desk: Desk, move: Move, paint: Paint
) -> None:
    """Open a modal for a move that this person may make now: nobody should type in vain."""
    try:
        seen = ids.seen_of(value)
        proposal = await desk.approvals.check(seen, await desk.person(body), move)
        metadata = Metadata(seen=seen, channel=channel_of(body)).text()
        await _show_view(body, client, desk, paint(proposal, metadata))
    except SaysoError as error:
        await desk.tell(body, error)
    await ack()


async def _show_view(body: Body, client: AsyncWebClient, desk: Desk, view: dict[str, Any]) -> None:
    """The one Slack call on the click path: a trigger lives three seconds."""
    try:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
    except (SlackApiError, *NETWORK) as error:
        log.warning("view_not_opened", error=str(error)[:300])
        await desk.tell(body, SaysoError(TRIGGER_SPENT))
