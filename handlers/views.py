"""Submitted modals: identify, decide; a refusal leaves the window open with what was typed."""

from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.domain.errors import AlreadyDecided, SaysoError
from bot.slack.blocks import line, modal, rich, words
from bot.slack.metadata import Metadata
from bot.slack.modals import edited, reason_of
from handlers.desk import Body, Desk, user_of


async def edit(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Approve the edited wording or arguments."""
    values: dict[str, Any] = view["state"]["values"]
    try:
        seen = Metadata.of(view["private_metadata"]).seen
        person = await desk.person(body)
        proposal = await desk.store.read(lambda tx: tx.proposal(seen.proposal_id))
        content = edited(proposal.content, values)
        await desk.approvals.edit(seen, content, person, reason=reason_of(values))
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


async def read(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Approve what was read in full."""
    try:
        await desk.approvals.approve(Metadata.of(view["private_metadata"]).seen, await desk.person(body))
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


async def reject(ack: AsyncAck, body: Body, view: Body, desk: Desk) -> None:
    """Reject, with the reason where one was given."""
    try:
        seen = Metadata.of(view["private_metadata"]).seen
        await desk.approvals.reject(seen, await desk.person(body), reason=reason_of(view["state"]["values"]))
    except SaysoError as error:
        await _refuse(ack, body, view, error)
        return
    await ack()


async def _refuse(ack: AsyncAck, body: Body, view: Body, error: SaysoError) -> None:
    """Under the first field, so that nothing typed is lost; in a window without fields, as its text."""
    if isinstance(error, AlreadyDecided) and error.winner_id == user_of(body):
        await ack()
        return
    fields = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if fields:
        await ack(response_action="errors", errors={fields[0]: error.sentence})
        return
    told = modal(view["callback_id"], "Not done", [rich(line(words(error.sentence)))], metadata="", submit=None)
    await ack(response_action="update", view=told)
