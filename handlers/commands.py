"""The slash commands: identify, call one method, answer in the acknowledgement itself."""

from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.domain.authority import Person
from bot.domain.errors import SaysoError
from bot.slack.blocks import Block, escape
from bot.slack.lists import LOOKED_THROUGH, QUEUE_ROWS, mine, queue
from bot.slack.thresholds import threshold_detail, threshold_table, tuning
from bot.thresholds import Wish
from handlers import phrases
from handlers.desk import Desk


async def threshold(ack: AsyncAck, command: dict[str, Any], desk: Desk) -> None:
    """`/threshold`"""
    delivery = command.get("trigger_id")
    try:
        order = phrases.threshold(command.get("text") or "")
        match order:
            case phrases.Help():
                await ack(text=_listed(phrases.FORMS))
            case phrases.ShowAll():
                await desk.person(command, groups="not")
                await _say(ack, "The thresholds", threshold_table(await desk.thresholds.show()))
            case phrases.ShowOne(category=category):
                person = await desk.person(command, groups="not")
                await _say(ack, "The threshold", threshold_detail(await desk.thresholds.show_one(category)))
                await desk.thresholds.picture(category, user=person.actor.id)
            case Wish():
                changed = await desk.act(command, lambda who: desk.thresholds.change(order, who, delivery=delivery))
                await ack(text=escape(changed.sentence()))
            case phrases.Tune(category=category, risk=risk):
                person = await desk.person(command, groups="lately")
                tuned = await desk.thresholds.tune(category, risk)
                await _say(ack, "A what-if", tuning(tuned, apply=person.among(desk.policy.people.admins)))
    except SaysoError as error:
        await ack(text=escape(error.sentence))


async def approvals(ack: AsyncAck, command: dict[str, Any], desk: Desk) -> None:
    """`/approvals`"""
    delivery = command.get("trigger_id")
    try:
        match phrases.approvals(command.get("text") or ""):
            case phrases.Help():
                await ack(text=_listed(phrases.QUEUE_FORMS))
            case phrases.Queue(mine=only_mine):
                person = await desk.person(command, groups="lately" if only_mine else "not")
                await _say(ack, "What waits", await _queue(desk, person if only_mine else None))
            case phrases.Switch(to="pause", reason=reason):
                # Whoever is named by id is not kept from the brake by a Slack that does not answer for groups.
                await desk.act(command, lambda who: desk.switch.pause(who, reason, delivery=delivery))
                await ack(text="Executions are paused: nothing more runs until `/approvals resume`.")
            case phrases.Switch():
                await desk.act(command, lambda who: desk.switch.resume(who, delivery=delivery))
                await ack(text="Executions go on.")
    except SaysoError as error:
        await ack(text=escape(error.sentence))


async def _queue(desk: Desk, person: Person | None) -> list[Block]:
    """What waits for this person, or for anybody."""
    if person is None:
        page, total, pause = await desk.store.read(lambda tx: (tx.waiting(QUEUE_ROWS), tx.waiting_in_all(), tx.pause()))
        return queue(page, total, pause)
    waiting, pause = await desk.store.read(lambda tx: (tx.waiting(LOOKED_THROUGH), tx.pause()))
    own = mine(desk.policy, person, waiting)
    return queue(own, len(own), pause, others=len(waiting) - len(own))


def _listed(forms: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"• `{form}`: {what}" for form, what in forms)


async def _say(ack: AsyncAck, text: str, blocks: list[Block]) -> None:
    await ack(text=text, blocks=blocks, response_type="ephemeral")
