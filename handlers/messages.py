"""Slack's message events: what a customer writes in a watched channel becomes a ticket."""

from typing import Any

from bot.domain.errors import Refused
from bot.intake.slack_messages import arrival_of, starts_thread
from handlers.desk import Desk


async def posted(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """Keep the ticket, then acknowledge; Slack delivers again what could not be kept."""
    arrival = arrival_of(event, desk.policy.intake.channels)
    if arrival is None or desk.reception is None:
        return
    if not starts_thread(event) and await _of_the_team(event, body, desk):
        return
    await desk.reception.receive(arrival, delivery=str(body.get("event_id") or "") or None)


async def _of_the_team(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> bool:
    """Whether one of those who may decide wrote this into a customer's thread: then it is an answer, no question."""
    try:
        team = event.get("user_team") or body.get("team_id")
        person = await desk.roster.person(str(event["user"]), team, groups="lately")
    except Refused:
        # A guest, somebody of another workspace, or Slack did not say in time: rather one question too many.
        return False
    people = desk.policy.people
    return person.among((*people.approvers, *people.escalation, *people.admins))
