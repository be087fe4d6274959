"""What machines watch: alive, ready, and figures that are true."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.lifecycle import State
from bot.slack import ids
from tests.journeys.props import until_stored
from tests.world import World


async def get(world: World, path: str) -> tuple[int, str]:
    async with world.http.get(world.sayso.url + path) as answer:
        return answer.status, await answer.text()


async def figures(world: World) -> dict[tuple[str, str], float]:
    status, text = await get(world, "/metrics")
    assert status == 200
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, sample.labels.get("state", "")): sample.value for sample in samples}


async def test_a_healthy_bot_is_alive_and_ready(world: World) -> None:
    await until_stored(world, lambda tx: not tx.outbox_size())
    assert (await get(world, "/healthz"))[0] == 200
    assert (await get(world, "/readyz"))[0] == 200


async def test_the_figures_count_what_is_there(world: World) -> None:
    assert {state for name, state in await figures(world) if name == "sayso_proposals"} == set(State)
    first, _ = await world.propose(), await world.propose(category="legal")
    await world.click("U0MARIA", await world.card(first["id"]), ids.APPROVE)
    await world.get(first["id"], wait=5)
    await world.slack.person("U0LEAD").command("/approvals pause", "C0OPS")
    await world.propose(category="orders", confidence=1.0)
    await until_stored(world, lambda tx: tx.outbox_size() == {"ready": 1})
    found = await figures(world)
    assert found["sayso_proposals", "executed"] == 1
    assert found["sayso_proposals", "escalated"] == 1
    assert found["sayso_proposals", "approved"] == 1
    assert found["sayso_proposals", "pending"] == 0
    assert found["sayso_errands", "ready"] == 1
    assert found["sayso_paused", ""] == 1


async def test_the_figures_name_no_customer_and_no_secret(world: World) -> None:
    await world.propose()
    for path in ("/metrics", "/healthz", "/readyz"):
        _, text = await get(world, path)
        for secret in ("Ana", "ana@example.com", world.token, "1042"):
            assert secret not in text


async def test_it_is_measured_how_long_people_take_to_decide(world: World) -> None:
    first, second = await world.propose(), await world.propose()
    await world.propose(category="orders", confidence=1.0)  # nobody decides this one
    await world.click("U0MARIA", await world.card(first["id"]), ids.APPROVE)
    await world.click("U0BEN", await world.card(second["id"]), ids.ESCALATE)
    _, text = await get(world, "/metrics")
    counted = {
        sample.labels["kind"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "sayso_decision_seconds_count"
    }
    assert counted == {"approved": 1, "escalated": 1}


async def test_a_store_that_does_not_answer_is_alive_but_not_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise OSError("disk full at /var/lib/secret")

    monkeypatch.setattr(type(world.sayso.store), "read", broken)
    assert (await get(world, "/healthz"))[0] == 200
    status, text = await get(world, "/readyz")
    assert status == 503
    assert "the store does not answer" in text
    assert "secret" not in text
