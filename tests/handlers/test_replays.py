"""A signed request that is sent once more within its five minutes: Slack's own repetition, or somebody's recording."""

import json
import time
import urllib.parse
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.slack import ids
from tests.world import SIGNING_SECRET, World

FORM = "application/x-www-form-urlencoded"


class Recording:
    """A delivery of Slack's, byte for byte with its signature."""

    def __init__(self, world: World, fields: dict[str, Any]) -> None:
        self._world, self._body = world, urllib.parse.urlencode(fields)
        stamp = str(int(time.time()))
        proof = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=stamp, body=self._body)
        self._headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(proof), "Content-Type": FORM}

    async def play(self) -> str:
        """Send it; what Sayso answers."""
        url = f"{self._world.sayso.url}/slack/events"
        async with self._world.http.post(url, data=self._body, headers=self._headers) as answer:
            assert answer.status == 200
            return await answer.text()


def typed(world: World, line: str, trigger: str) -> Recording:
    """A slash command of the lead's."""
    command, _, text = line.partition(" ")
    fields = {"command": command, "text": text, "user_id": "U0LEAD", "team_id": world.slack.world.team_id}
    return Recording(world, fields | {"channel_id": "C0OPS", "trigger_id": trigger, "api_app_id": "A0LOCAL"})


async def threshold(world: World) -> float | None:
    return (await world.sayso.store.read(lambda tx: tx.settings()))["orders"].threshold


async def test_a_threshold_that_was_taken_back_is_not_set_by_a_replay(world: World) -> None:
    loose = typed(world, "/threshold orders 0.5 because we try it", "1.2.first")
    assert "orders is now autonomous, threshold 0.5" in await loose.play()
    await typed(world, "/threshold orders 0.95 because it was wrong", "1.2.second").play()
    assert "was carried out before" in await loose.play()
    assert await threshold(world) == 0.95
    assert "orders is now" in await typed(world, "/threshold orders 0.5 because we are sure", "1.2.third").play()
    assert await threshold(world) == 0.5


@pytest.mark.parametrize(("order", "opposite"), [("pause", "resume"), ("resume", "pause")])
async def test_the_switch_is_not_turned_by_a_replay(world: World, order: str, opposite: str) -> None:
    async def paused() -> bool:
        return await world.sayso.store.read(lambda tx: tx.pause()) is not None

    if order == "resume":
        await typed(world, "/approvals pause", "1.2.before").play()
    recorded = typed(world, f"/approvals {order}", "1.2.first")
    await recorded.play()
    await typed(world, f"/approvals {opposite}", "1.2.second").play()
    stands = await paused()
    assert "was carried out before" in await recorded.play()
    assert await paused() is stands


async def test_a_what_if_is_applied_once(world: World) -> None:
    payload = {
        "type": "block_actions",
        "team": {"id": world.slack.world.team_id},
        "user": {"id": "U0LEAD", "team_id": world.slack.world.team_id},
        "trigger_id": "1.2.apply",
        "channel": {"id": "C0OPS"},
        "actions": [{"type": "button", "action_id": ids.APPLY, "block_id": "b", "value": "orders|0.5|1|0"}],
    }
    recorded = Recording(world, {"payload": json.dumps(payload)})
    await recorded.play()
    assert await threshold(world) == 0.5
    await typed(world, "/threshold orders 0.95 because it was wrong", "1.2.second").play()
    await recorded.play()
    assert await threshold(world) == 0.95
