"""Slack's door: what Slack did not sign just now is refused before anything is read."""

import json
import time
import urllib.parse
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slack_bolt.request.internals import parse_body
from slack_sdk.signature import SignatureVerifier

from bot.local_slack.deliveries import FORM
from bot.right_of_way import RightOfWay
from bot.slack import ids
from handlers.ingress import LARGEST, SlackDoor, opened
from tests.handlers.nasty import walk
from tests.handlers.wire import raw
from tests.world import SIGNING_SECRET, World


async def click_body(world: World) -> tuple[str, str]:
    """A proposal, and the body of a click on Approve for it."""
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    payload = {
        "type": "block_actions",
        "team": {"id": world.slack.world.team_id, "domain": "local"},
        "user": {"id": "U0MARIA", "name": "maria", "team_id": world.slack.world.team_id},
        "api_app_id": world.slack.world.app_id,
        "token": "verification",
        "trigger_id": "1.2.3",
        "container": {"type": "message", "message_ts": card.ts, "channel_id": "C0REVIEW"},
        "channel": {"id": "C0REVIEW", "name": "review"},
        "actions": [
            {
                "type": "button",
                "action_id": ids.APPROVE,
                "block_id": "b",
                "value": next(e["value"] for e in walk(card.blocks) if e.get("action_id") == ids.APPROVE),
                "action_ts": "1.0",
            }
        ],
    }
    return proposed["id"], urllib.parse.urlencode({"payload": json.dumps(payload)})


def signed(body: str, *, at: float, secret: str = SIGNING_SECRET) -> dict[str, Any]:
    stamp = str(int(at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    return {"timestamp": stamp, "signature": signature}


async def state(world: World, proposal_id: str) -> str:
    return str((await world.get(proposal_id))["state"])


@pytest.mark.parametrize(("charset", "status"), [("utf-8", 200), ("UTF-8", 200), ("utf-7", 400), ("nope", 400)])
async def test_a_header_may_not_choose_how_the_signed_bytes_are_read(world: World, charset: str, status: int) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"})
    proof = signed(body, at=time.time())
    headers = {
        "Content-Type": f"application/json; charset={charset}",
        "X-Slack-Request-Timestamp": proof["timestamp"],
        "X-Slack-Signature": proof["signature"],
    }
    async with world.http.post(f"{world.sayso.url}/slack/events", data=body.encode(), headers=headers) as answer:
        assert answer.status == status


TEXTS = st.text(st.characters(codec="utf-8"))


def as_bolt_reads(body: str) -> object:
    # What it parses, without what it then looks for in it: `authorizations` that are none would end that.
    return parse_body(body, FORM)


@given(payload=st.dictionaries(TEXTS, TEXTS | st.integers() | st.lists(TEXTS)), ascii_only=st.booleans())
@example(payload={"authorizations": "0"}, ascii_only=False)
def test_an_interaction_says_the_same_as_if_bolt_had_opened_its_form(payload: dict[str, Any], ascii_only: bool) -> None:
    form = urllib.parse.urlencode({"payload": json.dumps(payload, ensure_ascii=ascii_only)})
    assert as_bolt_reads(opened(form)) == as_bolt_reads(form) == payload


@given(fields=st.dictionaries(TEXTS.filter(lambda name: name != "payload"), TEXTS))
def test_a_slash_command_stays_a_form(fields: dict[str, str]) -> None:
    form = urllib.parse.urlencode({"command": "/threshold"} | fields)
    assert opened(form) == form


@pytest.mark.parametrize(
    "body", ["payload=", "payload=%5B%5D", "payload", "payload=x&payload=", '{"payload": "{}"}', ""]
)
def test_what_is_no_interaction_is_left_to_bolt(body: str) -> None:
    assert opened(body) == body


@pytest.mark.parametrize("age", [301, 3600, -301, -3600])
async def test_a_request_older_or_newer_than_five_minutes_is_refused(world: World, age: int) -> None:
    proposal_id, body = await click_body(world)
    answer = await world.slack.deliver_raw(body, **signed(body, at=time.time() - age))
    assert answer.status == 401
    assert await state(world, proposal_id) == "pending"


async def test_a_request_of_299_seconds_ago_is_taken(world: World) -> None:
    proposal_id, body = await click_body(world)
    answer = await world.slack.deliver_raw(body, **signed(body, at=time.time() - 299))
    assert answer.status == 200
    assert await state(world, proposal_id) in ("approved", "executed")


async def test_a_replay_within_five_minutes_changes_nothing(world: World) -> None:
    proposal_id, body = await click_body(world)
    same = signed(body, at=time.time())
    answers = [await world.slack.deliver_raw(body, **same) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    await world.get(proposal_id, wait=5)
    events = await world.sayso.store.read(lambda tx: tx.audit_events(limit=1000))
    assert [e.event.kind for e in events if e.event.proposal_id == proposal_id].count("proposal.approved") == 1


async def test_what_slack_did_not_sign_is_refused_whatever_it_says(world: World) -> None:
    proposal_id, body = await click_body(world)
    good = signed(body, at=time.time())
    stamp, signature = good["timestamp"], good["signature"]
    forgeries: list[tuple[str | bytes, dict[str, Any]]] = [
        (body, signed(body, at=time.time(), secret="another-secret")),
        (body, signed(body, at=time.time(), secret="x")),
        (body + "&x=1", good),
        (body.replace("U0MARIA", "U0BEN"), good),
        (body, {"timestamp": stamp, "signature": signature[:-1]}),
        (body, {"timestamp": stamp, "signature": signature.upper()}),
        (body, {"timestamp": stamp, "signature": signature.removeprefix("v0=")}),
        (body, {"timestamp": stamp, "signature": signature.replace("v0=", "v1=")}),
        (body, {"timestamp": stamp, "signature": ""}),
        (body, {"timestamp": stamp, "signature": "v0="}),
        (body, {"timestamp": "", "signature": signature}),
        (body, {"timestamp": f"{stamp}.0", "signature": signature}),
        (body, {"timestamp": f"+{stamp}", "signature": signature}),
        (body, {"timestamp": "9" * 400, "signature": signature}),
        (body, {"timestamp": "NaN", "signature": signature}),
        (body, {"timestamp": "-1", "signature": signature}),
        (b"\xff\xfe", {"timestamp": stamp, "signature": signature}),
        ("payload=x", {"timestamp": stamp, "signature": signature}),
        ("", {"timestamp": stamp, "signature": signature}),
        ("ssl_check=1&token=x", {"timestamp": stamp, "signature": "v0=" + "0" * 64}),
        ('{"type": "url_verification", "challenge": "c"}', {"timestamp": stamp, "signature": "v0=" + "0" * 64}),
    ]
    for forged, headers in forgeries:
        answer = await world.slack.deliver_raw(forged, **headers)
        assert answer.status == 401, (forged, headers)
        assert "challenge" not in str(answer.body)
    assert await state(world, proposal_id) == "pending"


async def test_a_body_that_slack_signed_but_nobody_understands_does_no_harm(world: World) -> None:
    for body, kind in (
        ("payload=x", FORM),
        ("payload=%7B%7D", FORM),
        ("payload=[]", FORM),
        ("payload=", FORM),
        ("", FORM),
        ("{", "application/json"),
        ("[]", "application/json"),
        ("null", "application/json"),
        ("payload=%7B%7D", "text/plain; charset=nonsense"),
        ("payload=%7B%7D", "multipart/form-data; boundary=x"),
    ):
        answer = await world.slack.deliver_raw(body, content_type=kind)
        assert answer.status != 200 or not answer.body, (body, kind, answer)
        async with world.http.get(f"{world.sayso.url}/healthz") as alive:
            assert alive.status == 200
    assert (await world.slack.verify_url()).ok


async def test_a_body_that_is_too_large_is_refused_before_it_is_checked(world: World) -> None:
    answer = await world.slack.deliver_raw("payload=" + "x" * LARGEST)
    assert answer.status == 413
    chunks = b"".join(b"%x\r\n%s\r\n" % (500_000, b"x" * 500_000) for _ in range(5)) + b"0\r\n\r\n"
    said = await raw(world, b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked", chunks)
    assert b" 413 " in said.split(b"\r\n")[0]


def test_an_empty_secret_does_not_make_a_door() -> None:
    with pytest.raises(ValueError, match="empty signing secret"):
        SlackDoor(None, "", RightOfWay())  # type: ignore[arg-type]


async def test_only_the_door_takes_what_slack_sends(world: World) -> None:
    async with world.http.get(f"{world.sayso.url}/slack/events") as answer:
        assert answer.status == 405
    async with world.http.post(f"{world.sayso.url}/slack/oauth_redirect") as answer:
        assert answer.status == 404
