"""The slash commands: identify, call one method, answer in the acknowledgement itself."""

from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.domain.errors import SaysoError
from bot.slack.blocks import Block, escape
from bot.slack.lists import mine, queue
from bot.slack.thresholds import threshold_detail, threshold_table, tuning
from bot.thresholds import Wish
from handlers import phrases
from handlers.desk import Desk


async def threshold(ack: AsyncAck, command: dict[str, Any], desk: Desk) -> None:
    """`/threshold`"""
    try:
        order = phrases.threshold(command.get("text") or "")
        person = await desk.person(command)
        match order:
            case phrases.ShowAll():
                await _say(ack, "The thresholds", threshold_table(await desk.thresholds.show()))
            case phrases.ShowOne(category=category):
                await _say(ack, "The threshold", threshold_detail(await desk.thresholds.show_one(category)))
                await desk.thresholds.picture(category, user=person.actor.id)
            case Wish():
                changed = await desk.thresholds.change(order, person, delivery=command.get("trigger_id"))
                await ack(text=escape(changed.sentence()))
            case phrases.Tune(category=category, risk=risk):
                tuned = await desk.thresholds.tune(category, risk)
                await _say(ack, "A what-if", tuning(tuned, apply=person.among(desk.policy.people.admins)))
    except SaysoError as error:
        await ack(text=escape(error.sentence))


async def approvals(ack: AsyncAck, command: dict[str, Any], desk: Desk) -> None:
    """`/approvals`"""
    try:
        order = phrases.approvals(command.get("text") or "")
        person = await desk.person(command)
        match order:
            case phrases.Queue(mine=only_mine):
                waiting, pause = await desk.store.read(lambda tx: (tx.waiting(1000), tx.pause()))
                chosen = mine(desk.policy, person, waiting) if only_mine else waiting
                await _say(ack, "What waits", queue(chosen, len(chosen), pause))
            case phrases.Switch(to="pause", reason=reason):
                await desk.switch.pause(person, reason, delivery=command.get("trigger_id"))
                await ack(text="Executions are paused: nothing more runs until `/approvals resume`.")
            case phrases.Switch():
                await desk.switch.resume(person, delivery=command.get("trigger_id"))
                await ack(text="Executions go on.")
    except SaysoError as error:
        await ack(text=escape(error.sentence))


async def _say(ack: AsyncAck, text: str, blocks: list[Block]) -> None:
    await ack(text=text, blocks=blocks, response_type="ephemeral")
