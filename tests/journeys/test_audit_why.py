"""The audit log says of each step who took it, when, and why."""

from datetime import UTC, datetime, timedelta

from bot.domain.audit import Event
from bot.slack import ids
from tests.journeys.props import edit_words, open_reject
from tests.world import World


async def events_of(world: World, kind: str, proposal_id: str | None) -> list[Event]:
    written = await world.sayso.store.read(lambda tx: tx.audit_events())
    return [one.event for one in written if (one.event.kind, one.event.proposal_id) == (kind, proposal_id)]


async def test_who_when_and_why_stand_in_the_log(world: World) -> None:
    alone = await world.propose(category="orders", key="alone")
    assert (await world.get(alone["id"], wait=5))["state"] == "executed"
    edited = await world.propose(key="edited")
    await edit_words(
        world, "U0MARIA", await world.card(edited["id"]), "Better words.", other_reason="The date was wrong."
    )
    rejected = await world.propose(key="rejected")
    view = await open_reject(world, "U0BEN", await world.card(rejected["id"]))
    await world.slack.person("U0BEN").submit(view, {"other_reason": "Not our order."})
    await world.slack.person("U0LEAD").command("/threshold orders 0.97 because two answers were wrong")
    found = [
        (*await events_of(world, kind, proposal_id),)
        for kind, proposal_id in (
            ("proposal.ruled", alone["id"]),
            ("proposal.edited", edited["id"]),
            ("proposal.rejected", rejected["id"]),
            ("threshold.changed", None),
        )
    ]
    assert [len(events) for events in found] == [1, 1, 1, 1]
    assert [(events[0].actor.id, events[0].payload["reason"]) for events in found] == [
        (alone["ruling"]["rule"], alone["ruling"]["reason"]),
        ("U0MARIA", "The date was wrong."),
        ("U0BEN", "Not our order."),
        ("U0LEAD", "two answers were wrong"),
    ]
    for (event,) in found:
        assert abs(datetime.fromisoformat(event.at) - datetime.now(UTC)) < timedelta(minutes=5)


async def test_a_decided_card_says_when(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    done = await world.get(proposed["id"], wait=5)
    at = int(datetime.fromisoformat(done["decision"]["at"]).timestamp())
    shown = await world.message("C0REVIEW", "Approved by")
    assert f"'type': 'date', 'timestamp': {at}" in str(shown.blocks)
