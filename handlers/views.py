"""Submitted modals: identify, decide; a refusal leaves the window open with what was typed."""

from dataclasses import replace
from functools import partial
from typing import Final

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.decision import Seen
from bot.domain.errors import AlreadyDecided, BadField, BadInput, Conflict, Refused, SaysoError, WroteAgain
from bot.domain.late import stands_approved
from bot.domain.proposal import Content, Proposal, alike
from bot.ports import Reader
from bot.slack.blocks import line, modal, rich, words
from bot.slack.bounds import told_at_its_field
from bot.slack.edit_modal import edit_modal, edited
from bot.slack.fields import fields_of, reason_of
from bot.slack.metadata import Metadata
from bot.slack.read_modal import read_modal
from bot.slack.retry_modal import retry_modal
from bot.slack.window import Window
from handlers.desk import Body, Desk, user_of
from handlers.home import home_again

NOT_USED: Final = "What you typed here was not used; copy it if you still need it, then close this window."


async def edit(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Approve the edited wording or arguments."""
    try:
        metadata = Metadata.of(view["private_metadata"])
        seen, typed = metadata.seen, fields_of(view, again=metadata.again)
        shown = await desk.store.read(lambda tx: _shown(tx, seen))
        content = edited(shown.content, typed)
        try:
            await desk.edit(body, seen, content, reason_of(typed))
        except WroteAgain:
            raise
        except Conflict as error:
            raise await _not_used(error, body, desk, shown, content) from None
        except (BadInput, Refused) as error:
            raise told_at_its_field(error, desk.policy, shown, content) from None
    except WroteAgain:
        await _show_again(ack, body, view, desk, partial(edit_modal, typed=typed))
        return
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


def _shown(tx: Reader, seen: Seen) -> Proposal:
    """The case with the wording that was shown: what was typed belongs to that one, whatever stands there by now."""
    proposal = tx.proposal(seen.proposal_id)
    revisions = tx.revisions(seen.proposal_id) if proposal.revision.number != seen.revision else []
    return next((replace(proposal, revision=one) for one in revisions if one.number == seen.revision), proposal)


async def _not_used(error: Conflict, body: Body, desk: Desk, shown: Proposal, content: Content) -> Conflict:
    """The same refusal, with what became of what was submitted, where that is not what stands anyway.

    Slack may deliver a submission twice: AlreadyDecided by whoever approved just that, who needs no answer.
    """
    stands, user = await desk.store.read(lambda tx: tx.proposal(shown.id)), user_of(body)
    if alike(stands.content, content):
        return AlreadyDecided(error.sentence, winner_id=user) if stands_approved(stands, user) else error
    # Also where it is the same person's other window: what was typed in this one may not vanish unsaid.
    return Conflict(error.sentence if alike(shown.content, content) else f"{error.sentence} {NOT_USED}")


async def read(ack: AsyncAck, body: Body, view: Body, client: AsyncWebClient, desk: Desk) -> None:
    """Approve what was read in full."""
    try:
        metadata = Metadata.of(view["private_metadata"])
        seen = metadata.seen
        try:
            told = await desk.approve(body, seen)
        except WroteAgain:
            raise
        except Conflict as error:
            shown = await desk.store.read(lambda tx: _shown(tx, seen))
            raise await _not_used(error, body, desk, shown, shown.content) from None
    except WroteAgain:
        await _show_again(ack, body, view, desk, read_modal)
        return
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()
    if metadata.channel is None:
        home_again(body, client, desk, told=told)


async def reject(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Reject, with the reason where one was given."""
    try:
        seen = Metadata.of(view["private_metadata"]).seen
        reason = reason_of(view["state"]["values"])
        await desk.act(body, lambda person: desk.approvals.reject(seen, person, reason=reason))
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


async def escalate(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Hand the case to the escalation team, with the note."""
    try:
        seen = Metadata.of(view["private_metadata"]).seen
        note = reason_of(view["state"]["values"])
        await desk.act(body, lambda person: desk.approvals.escalate(seen, person, reason=note))
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


async def retry(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Carry it out once more, after all was read that the customer wrote meanwhile."""
    try:
        seen = Metadata.of(view["private_metadata"]).seen
        await desk.act(body, lambda person: desk.executions.retry(seen, person))
    except WroteAgain:
        await _show_again(ack, body, view, desk, retry_modal)
        return
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


async def _show_again(ack: AsyncAck, body: Body, view: Body, desk: Desk, paint: Window) -> None:
    """The same window with what the customer wrote meanwhile: its button then counts."""
    metadata = Metadata.of(view["private_metadata"])
    case = metadata.seen.proposal_id
    proposal, revisions = await desk.store.read(lambda tx: (tx.proposal(case), tx.revisions(case)))
    seen = replace(metadata.seen, follow_ups=len(proposal.follow_ups))
    try:
        again = paint(proposal, replace(metadata, seen=seen, again=True).text(), revisions)
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack(response_action="update", view=again)


async def _refuse(ack: AsyncAck, body: Body, view: Body, error: SaysoError) -> None:
    """Under its own field or the first, so that nothing typed is lost; in a window without fields, as its text."""
    if isinstance(error, AlreadyDecided) and error.winner_id == user_of(body):
        await ack()
        return
    fields = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if fields:
        block = error.block if isinstance(error, BadField) and error.block in fields else fields[0]
        await ack(response_action="errors", errors={block: error.sentence})
        return
    told = modal(view["callback_id"], "Not done", [rich(line(words(error.sentence)))], metadata="", submit=None)
    await ack(response_action="update", view=told)
