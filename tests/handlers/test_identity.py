"""Who an agent is, and who decides: tokens, scopes, and people as Slack knows them at the click."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.decision import DecisionKind
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.lifecycle import Move
from bot.slack import ids
from bot.tokens import PREFIX, REMEMBERED, Scope, hashed
from tests.handlers.wire import body_of, send
from tests.journeys.props import MovableClock, told
from tests.world import POLICY, World, reply, running_world


async def as_(world: World, token: str, method: str, path: str, body: bytes | None = None) -> Any:
    return await send(world, method, path, body=body, Authorization=f"Bearer {token}")


def written_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("sayso.db*"))


# agents


async def test_an_agent_neither_reads_nor_withdraws_nor_lists_what_another_proposed(world: World) -> None:
    proposed = await world.propose()
    other = await world.sayso.tokens.create("other-ai", Scope.PROPOSE)
    missing = await as_(world, other, "GET", "/v1/proposals/prp_0000000000000000000000000000")
    for method, path in (("GET", ""), ("GET", "?wait=1"), ("POST", "/withdraw")):
        answer = await as_(world, other, method, f"/v1/proposals/{proposed['id']}{path}")
        assert answer.status == 404
        # Nothing tells a stranger's case from one that never was.
        assert answer.detail.replace(proposed["id"], "ID") == missing.detail.replace("prp_" + "0" * 28, "ID")
    assert (await as_(world, other, "GET", "/v1/proposals")).json["proposals"] == []
    cursor = await as_(world, other, "GET", f"/v1/proposals?cursor=prp_{'f' * 28}")
    assert cursor.json["proposals"] == []
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_the_same_key_of_two_agents_is_two_proposals(world: World) -> None:
    other = await world.sayso.tokens.create("other-ai", Scope.PROPOSE)
    first = await send(world, body=body_of(), Idempotency_Key="one")
    second = await send(world, body=body_of(), Idempotency_Key="one", Authorization=f"Bearer {other}")
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] != second.json["id"]


async def test_only_the_whole_live_token_opens_the_door(world: World) -> None:
    token = world.token
    wrong = [
        "",
        PREFIX,
        token[:-1],
        token[:10],
        token + "x",
        token.upper(),
        token.swapcase(),
        hashed(token),
        "\u00ff" * 9,
    ]
    wrong += [f"{token},{token}", f"{token} {token}", "null", "' OR 1=1 --"]
    for secret in wrong:
        answer = await as_(world, secret, "GET", "/v1/proposals")
        assert answer.status == 401, secret
        assert answer.headers["www-authenticate"] == "Bearer"
        assert token not in str(answer.json)
    said = (await as_(world, f"{token}x", "GET", "/v1/proposals")).detail
    assert "in the database that this server uses (SAYSO_DATABASE_URL)" in said
    for header in (None, "", "Bearer", f"Basic {token}", token, f"Token {token}"):
        assert (await send(world, "GET", "/v1/proposals", Authorization=header)).status == 401, header
    for header in (f"bearer {token}", f"BEARER {token}", f"Bearer   {token}  "):
        assert (await send(world, "GET", "/v1/proposals", Authorization=header)).status == 200, header


async def test_a_token_in_the_address_opens_nothing(world: World) -> None:
    path = f"/v1/proposals?access_token={world.token}&token={world.token}"
    assert (await send(world, "GET", path, Authorization=None)).status == 401


async def test_a_revoked_token_is_out_at_once_and_its_successor_goes_on(world: World) -> None:
    proposed = await world.propose()
    await world.sayso.tokens.revoke("shop-ai")
    for method, path in (("POST", "/v1/proposals"), ("GET", f"/v1/proposals/{proposed['id']}")):
        answer = await send(world, method, path, body=body_of() if method == "POST" else None)
        assert answer.status == 401
        assert "revoked" in answer.detail
    with pytest.raises(NotFound):
        await world.sayso.tokens.revoke("shop-ai")
    await asyncio.sleep(REMEMBERED)  # for as long a body is still read, and never acted upon
    assert (await send(world, "POST", "/v1/proposals", body={"kind": "nonsense"})).status == 401
    successor = await world.sayso.tokens.create("shop-ai", Scope.PROPOSE)
    assert (await as_(world, successor, "GET", f"/v1/proposals/{proposed['id']}")).status == 200
    assert (await send(world, "GET", "/v1/proposals")).status == 401


async def test_a_token_expires_in_the_second_that_was_said(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        short = await world.sayso.tokens.create("short", Scope.PROPOSE, lifetime=timedelta(days=1))
        assert (await as_(world, short, "GET", "/v1/proposals")).status == 200
        clock.ahead = timedelta(days=1, seconds=1)
        answer = await as_(world, short, "GET", "/v1/proposals")
        assert (answer.status, "expired" in answer.detail) == (401, True)
        clock.ahead = timedelta(hours=-1)
        assert (await as_(world, short, "GET", "/v1/proposals")).status == 200


async def test_a_scope_is_kept_to(world: World) -> None:
    proposed = await world.propose()
    for name, scope in (("reader", Scope.READ), ("boss", Scope.ADMIN)):
        token = await world.sayso.tokens.create(name, scope)
        for path, body in (("/v1/proposals", body_of()), (f"/v1/proposals/{proposed['id']}/withdraw", None)):
            answer = await as_(world, token, "POST", path, body)
            assert answer.status == 403, (name, path)
            assert "--scope propose" in answer.detail
        assert (await as_(world, token, "GET", f"/v1/proposals/{proposed['id']}")).status == 200
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_a_token_is_kept_as_a_hash_and_shown_once(world: World, tmp_path: Path) -> None:
    secret = await world.sayso.tokens.create("fresh", Scope.PROPOSE)
    assert len(secret) > 40
    (kept,) = [t for t in await world.sayso.store.read(lambda tx: tx.tokens()) if t.name == "fresh"]
    assert kept.hash == hashed(secret)
    assert len(kept.prefix) <= len(PREFIX) + 4
    assert secret.encode() not in written_in(tmp_path)
    for name in ("", "a b", "<!channel>", "a" * 65, "-a", "a\n", "ü"):
        with pytest.raises(BadInput):
            await world.sayso.tokens.create(name, Scope.READ)
    with pytest.raises(BadInput, match="already"):
        await world.sayso.tokens.create("fresh", Scope.READ)


@pytest.mark.parametrize("name", ["sayso", "Sayso", "SAYSO"])
async def test_no_agent_goes_by_our_own_name(world: World, name: str) -> None:
    """It could take back what Sayso itself proposes, such as a threshold."""
    with pytest.raises(BadInput, match="choose another"):
        await world.sayso.tokens.create(name, Scope.PROPOSE)


async def test_a_long_poll_of_a_stranger_does_not_wait(world: World) -> None:
    proposed = await world.propose()
    other = await world.sayso.tokens.create("other-ai", Scope.PROPOSE)
    answer = await asyncio.wait_for(as_(world, other, "GET", f"/v1/proposals/{proposed['id']}?wait=60"), 15)
    assert answer.status == 404


async def test_no_token_decides_anything_whatever_its_scope(world: World) -> None:
    """People decide in Slack: the interface has no word for it but `withdraw`, which ends one's own case."""
    proposed = await world.propose()
    tokens = [world.token]
    tokens += [await world.sayso.tokens.create(f"a-{scope.value}", scope) for scope in Scope]
    deciding = [*Move, *DecisionKind, "decide", "decision", "decisions", "resume", "execute"]
    for token in tokens:
        for word in {str(word) for word in deciding} - {"withdraw"}:
            answer = await as_(world, token, "POST", f"/v1/proposals/{proposed['id']}/{word}", b'{"by": "U0MARIA"}')
            assert answer.status == 404, word
        for method in ("PUT", "PATCH", "DELETE", "POST"):
            body = b'{"state": "approved", "decision": {"kind": "approved", "by": {"id": "U0MARIA"}}}'
            answer = await as_(world, token, method, f"/v1/proposals/{proposed['id']}", body)
            assert answer.status == 405, method
    assert await world.get(proposed["id"]) == proposed


# people


async def test_an_approvers_id_in_another_team_is_another_person(world: World) -> None:
    """Slack Connect: the click says of which team the user is, and that may not be ours, whatever users.info says."""
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.choose("U0MARIA", card, ids.FULL_OPTION)  # the bot knows our own Maria
    ours = world.slack.world.users["U0MARIA"]
    interactions = world.slack.deliveries
    sent = interactions.interaction

    async def of_another_team(payload: dict[str, Any]) -> Any:
        return await sent(payload | {"user": payload["user"] | {"team_id": "T0OTHER"}})

    interactions.interaction = of_another_team  # type: ignore[method-assign]
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "You are not in this team's own workspace")
    assert world.slack.world.users["U0MARIA"] == ours
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_slackbot_decides_nothing_even_where_the_policy_names_it(tmp_path: Path) -> None:
    policy = POLICY.replace('"U0BEN"', '"USLACKBOT"')
    async with running_world(tmp_path / "sayso.db", policy) as world:
        world.slack.add_user("slackbot", real_name="Slackbot", id="USLACKBOT")  # Slack does not call it a bot
        proposed = await world.propose()
        await world.click("USLACKBOT", await world.card(proposed["id"]), ids.APPROVE)
        await told(world, "USLACKBOT", "A bot cannot decide")
        assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_whoever_asked_may_approve_where_the_policy_says_so_and_is_still_one_of_two(tmp_path: Path) -> None:
    policy = POLICY.replace("[people]", "[people]\nself_approval = true")
    async with running_world(tmp_path / "sayso.db", policy) as world:
        marias = await world.sayso.tokens.create("marias-ai", Scope.PROPOSE, owner="U0MARIA")
        own = await as_(world, marias, "POST", "/v1/proposals", body_of())
        await world.click("U0MARIA", await world.card(own.json["id"]), ids.APPROVE)
        assert (await world.sayso.store.read(lambda tx: tx.proposal(own.json["id"]))).decision
        deed = {"kind": "action", "reply": None, "action": {"name": "close_account", "args": {"account": "A-17"}}}
        body = {name: value for name, value in (reply() | deed).items() if value is not None}
        both = await as_(world, marias, "POST", "/v1/proposals", json.dumps(body).encode())
        card = await world.card(both.json["id"])
        await world.click("U0MARIA", card, ids.APPROVE)
        card = await world.card(both.json["id"], saying="1 of 2 approvals")
        await world.click("U0MARIA", card, ids.APPROVE)
        await told(world, "U0MARIA", "another person has to approve it too")
        assert (await world.sayso.store.read(lambda tx: tx.proposal(both.json["id"]))).decision is None


async def test_a_group_that_was_deleted_means_nobody_and_does_not_stop_the_others(world: World) -> None:
    del world.slack.world.groups["S0SUPPORT"]
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0OTHER", card, ids.APPROVE)
    await told(world, "U0OTHER", "You are not on the list of approvers")
    await world.click("U0MARIA", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["decision"]["by"]["id"] == "U0MARIA"


async def test_a_clock_set_back_does_not_stretch_what_is_remembered_of_a_person(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        proposed = await world.propose()
        card = await world.card(proposed["id"])
        await world.choose("U0MARIA", card, ids.FULL_OPTION)
        clock.ahead = timedelta(hours=-1)
        profile = world.slack.world.users["U0MARIA"]
        # Slack's own event did not come: the profile changes without a word.
        world.slack.world.users["U0MARIA"] = replace(profile, deleted=True)
        clock.ahead = timedelta(hours=-1, minutes=-1)
        await world.click("U0MARIA", card, ids.APPROVE)
        assert (await world.get(proposed["id"]))["state"] == "pending"


@pytest.mark.parametrize(
    "fields",
    [
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_bot": True},
        {"deleted": True},
        {"is_stranger": True},
        {"team_id": "T0OTHER"},
    ],
    ids=str,
)
async def test_what_was_remembered_of_a_person_is_forgotten_after_a_minute(tmp_path: Path, fields: Any) -> None:
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        proposed = await world.propose()
        card = await world.card(proposed["id"])
        await world.choose("U0MARIA", card, ids.FULL_OPTION)
        profile = world.slack.world.users["U0MARIA"]
        world.slack.world.users["U0MARIA"] = replace(profile, **fields)
        clock.ahead = timedelta(minutes=1, seconds=1)
        await world.click("U0MARIA", card, ids.APPROVE)
        assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_the_editor_is_one_of_two_and_not_both(world: World) -> None:
    proposed = await world.act("close_account", {"account": "A-17"})
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.EDIT)
    view = await world.slack.wait_for_view("U0MARIA")
    await world.slack.person("U0MARIA").submit(view, {"arg:account": "A-18"})
    card = await world.card(proposed["id"], saying="1 of 2 approvals")
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "another person has to approve it too")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    await world.click("U0BEN", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["final"]["action"]["args"] == {"account": "A-18"}


async def test_a_list_of_approvers_that_is_empty_means_nobody(tmp_path: Path) -> None:
    policy = POLICY.replace('approvers = ["U0MARIA", "U0BEN", "S0SUPPORT"]', "approvers = []")
    async with running_world(tmp_path / "sayso.db", policy) as world:
        proposed = await world.propose()
        card = await world.card(proposed["id"])
        for user in ("U0MARIA", "U0LEAD", "U0OTHER"):
            await world.click(user, card, ids.APPROVE)
            await told(world, user, "You are not on the list of approvers")
        assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_an_unknown_secret_is_refused_without_a_write(world: World) -> None:
    before = await world.sayso.store.read(lambda tx: tx.audit_head())
    for _ in range(3):
        with pytest.raises(Refused):
            await world.sayso.tokens.recognise("sayso_nobody")
    assert await world.sayso.store.read(lambda tx: tx.audit_head()) == before
