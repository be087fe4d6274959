"""A helpdesk posts a signed webhook: Zendesk's shape as it comes, any other by a mapping."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.domain.lifecycle import State
from bot.signing import sign
from bot.slack import ids
from tests.connectors.receiver import Received, Receiver, receiving
from tests.journeys.props import MovableClock, until_stored
from tests.journeys.tickets import HOLDING_LINE, HOURS, INTAKE, QUESTION, case_of, settled, stands, waiting
from tests.world import World, running_world

ZENDESK_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
STANDARD_SECRET = "whsec_" + base64.b64encode(b"a secret of the helpdesk, 32 byt").decode()
HEX_SECRET = "plain secret"


class Account:
    """A Zendesk that keeps what is written to its tickets."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.receiver: Receiver | None = None

    async def answer(self, request: web.Request, received: Received) -> web.StreamResponse:
        if received.method == "GET":
            return web.json_response({"audits": [], "next_page": None, "meta": {"has_more": False}})
        assert received.path == "/api/v2/tickets/4812.json"
        self.comments.append(received.json["ticket"]["comment"])
        return web.json_response({"ticket": {"id": 4812}, "audit": {"id": len(self.comments)}})


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    made = Account()
    async with receiving(made.answer) as receiver:
        made.receiver = receiver
        yield made


@pytest.fixture
async def world(tmp_path: Path, clock: MovableClock, account: Account) -> AsyncIterator[World]:
    assert account.receiver
    policy = f"""{INTAKE}
[connectors.main]
type = "zendesk"
url = "{account.receiver.url}"
user_env = "ZD_USER"
token_env = "ZD_TOKEN"

[intake.helpdesks.shopdesk]
type = "zendesk"
secret_env = "ZD_SECRET"

[intake.helpdesks.other]
type = "mapping"
secret_env = "OTHER_SECRET"
connector = "agent"
[intake.helpdesks.other.fields]
conversation = "case.number"
text = "case.messages.0.body"
email = "case.from.email"
message = "id"

[intake.helpdesks.third]
type = "mapping"
secret_env = "THIRD_SECRET"
signature = "hex"
signature_header = "X-Desk-Signature"
[intake.helpdesks.third.fields]
conversation = "id"
text = "text"
"""
    environment: Any = {
        "ZD_USER": "bot@shop.example",
        "ZD_TOKEN": "t",
        "ZD_SECRET": ZENDESK_SECRET,
        "OTHER_SECRET": STANDARD_SECRET,
        "THIRD_SECRET": HEX_SECRET,
    }
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, **environment) as made:
        yield made


def comment(text: str = QUESTION, *, event: str = "ev-1", staff: bool = False, public: bool = True) -> dict[str, Any]:
    """A public comment, as Zendesk's event subscriptions tell of it."""
    return {
        "type": "zen:event-type:ticket.comment_added",
        "account_id": 12514403,
        "id": event,
        "time": "2026-03-14T05:33:18Z",
        "zendesk_event_version": "2022-06-20",
        "subject": "zen:ticket:4812",
        "detail": {"id": "4812", "subject": "Opening hours", "requester_id": "8447388090495", "is_public": True},
        "event": {
            "comment": {
                "id": "5556",
                "body": text,
                "is_public": public,
                "author": {"id": "8447388090495", "is_staff": staff, "name": "Ana Lopez"},
            }
        },
    }


def created(text: str = QUESTION) -> dict[str, Any]:
    """A new ticket, as Zendesk's event subscriptions tell of it."""
    detail = {"id": "4812", "subject": "Opening hours", "description": text, "requester_id": "8447388090495"}
    return {"type": "zen:event-type:ticket.created", "id": "ev-0", "detail": detail, "event": {}}


async def posted(world: World, document: Any, *, secret: str = ZENDESK_SECRET, age: timedelta = timedelta(0)) -> int:
    body = json.dumps(document).encode()
    stamp = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    headers = {
        "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }
    return await sent(world, "shopdesk", body, headers)


async def sent(world: World, name: str, body: bytes, headers: dict[str, str]) -> int:
    headers = {**headers, "Content-Type": "application/json; charset=utf-8"}
    async with world.http.post(f"{world.sayso.url}/v1/inbound/{name}", data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_a_zendesk_ticket_is_answered_by_a_public_comment(world: World, account: Account) -> None:
    await settled(world)
    assert await posted(world, created()) == 202
    card = await world.message("C0REVIEW", HOURS)
    assert "Opening hours" in str(card.blocks)
    await world.click("U0MARIA", card, ids.APPROVE)
    case = await stands(world, case_of(card), State.EXECUTED)
    assert (case.conversation.id, case.connector) == ("zendesk:4812", "zendesk:main")
    assert account.comments == [{"body": HOURS, "public": True}]


async def test_the_first_comment_comes_twice_and_is_one_ticket(world: World) -> None:
    await settled(world)
    assert await posted(world, created()) == 202
    assert await posted(world, comment()) == 202
    assert await posted(world, comment()) == 202
    await world.message("C0REVIEW", HOURS)
    await until_stored(world, lambda tx: tx.next_ticket() is None)
    (case,) = await waiting(world)
    assert case.follow_ups == ()
    assert await posted(world, comment("On Sunday?", event="ev-9")) == 202
    await world.message("C0REVIEW", "The customer wrote again")


async def test_the_teams_own_comments_and_notes_are_left_aside(world: World) -> None:
    for document in (
        comment(staff=True),
        comment(public=False),
        {"type": "zen:event-type:ticket.status_changed", "detail": {"id": "4812"}, "event": {"current": "OPEN"}},
    ):
        assert await posted(world, document) == 202
    assert await world.sayso.store.read(lambda tx: tx.next_ticket()) is None
    assert await waiting(world) == []


async def test_an_escalated_zendesk_case_gets_the_holding_line_and_an_internal_note(
    world: World, account: Account
) -> None:
    assert await posted(world, created("My llama ate the warranty card.")) == 202
    await world.message("C0ESCALATE", "llama")
    await until_stored(world, lambda tx: not tx.outbox_size())
    line, note = sorted(account.comments, key=lambda written: not written["public"])
    assert line == {"body": HOLDING_LINE, "public": True}
    assert note["public"] is False
    assert "escalation team" in note["body"]


async def test_a_bad_signature_is_401_and_one_line_in_the_ops_channel(world: World) -> None:
    for _ in range(5):
        assert await posted(world, created(), secret="another secret") == 401
    assert await posted(world, created(), age=timedelta(hours=2)) == 401
    assert await sent(world, "shopdesk", b"{}", {}) == 401
    await world.message("C0OPS", "its signature does not hold")
    await until_stored(world, lambda tx: not tx.outbox_size())
    told = [m for m in world.slack.messages("C0OPS") if "signature does not hold" in m.text]
    assert len(told) == 1
    assert await world.sayso.store.read(lambda tx: tx.next_ticket()) is None


async def test_a_webhook_that_cannot_be_read_is_an_error_and_a_line_in_the_ops_channel(world: World) -> None:
    broken = created()
    del broken["detail"]["id"]
    assert await posted(world, broken) == 422
    await world.message("C0OPS", "could not be read")
    assert await sent(world, "nobody", b"{}", {}) == 404


async def test_any_helpdesk_comes_in_by_a_mapping_and_a_standard_signature(world: World) -> None:
    await settled(world)
    case = {"number": 77, "messages": [{"body": f"<p>{QUESTION}</p>"}], "from": {"email": "ana@example.com"}}
    body = json.dumps({"id": "m1", "case": case}).encode()
    headers = sign(STANDARD_SECRET, message_id="m1", at=datetime.now(UTC), body=body)
    assert await sent(world, "other", body, headers) == 202
    await world.message("C0REVIEW", HOURS)
    (found,) = await waiting(world)
    assert found.conversation.id == "other:77"
    assert found.conversation.customer == {"email": "ana@example.com"}
    assert found.conversation.last_customer_text == QUESTION


async def test_a_mapping_may_be_signed_in_hexadecimal(world: World) -> None:
    body = json.dumps({"id": "a", "text": "Hello there"}).encode()
    right = hmac.new(HEX_SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert await sent(world, "third", body, {"X-Desk-Signature": f"sha256={right}"}) == 202
    assert await sent(world, "third", body, {"X-Desk-Signature": right[:-1] + "é"}) == 401


async def test_html_that_breaks_every_rule_is_a_case(world: World) -> None:
    case = {"number": 78, "messages": [{"body": "<p>My llama</p><![x y]>&#" + "9" * 5_000 + "; <b>is ill</b>"}]}
    body = json.dumps({"id": "m2", "case": case}).encode()
    headers = sign(STANDARD_SECRET, message_id="m2", at=datetime.now(UTC), body=body)
    assert await sent(world, "other", body, headers) == 202
    await world.message("C0ESCALATE", "My llama")
    (found,) = await waiting(world)
    assert found.conversation.last_customer_text == "My llama\n\n\ufffd is ill"
