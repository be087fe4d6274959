import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.connectors import zendesk
from bot.connectors.zendesk import Zendesk, parse_ticket_id
from bot.domain.delivery import Delivered, Failed, Lost, Outcome, Postponed
from bot.domain.errors import BadInput
from tests.connectors.cases import DELIVERY, REFUND, errand, now, proposal
from tests.connectors.receiver import Answer, Received, Receiver, answering, hang_up, receiving

USER, TOKEN = "bot@shop.example", "s3cret"
PUT, AUDITS = "/api/v2/tickets/4812.json", "/api/v2/tickets/4812/audits.json"


@dataclass(kw_only=True)
class Account:
    """What Zendesk does with the two calls that we make; each fault is used once."""

    audits: list[dict[str, Any]] = field(default_factory=list)
    put_fault: str | None = None
    get_fault: str | None = None

    async def answer(self, request: web.Request, received: Received) -> web.StreamResponse:
        expected = "Basic " + base64.b64encode(f"{USER}/token:{TOKEN}".encode()).decode()
        if received.headers.get("Authorization") != expected:
            return web.json_response({"error": "Couldn't authenticate you"}, status=401)
        match received.method, received.path:
            case "PUT", path if path == PUT:
                return await self._put(request, received.json)
            case "GET", path if path == AUDITS:
                return await self._list(request, received)
        return web.json_response({"error": "RecordNotFound"}, status=404)

    async def _put(self, request: web.Request, body: Any) -> web.StreamResponse:
        fault, self.put_fault = self.put_fault, None
        if fault == "500 before":
            return web.json_response({"error": "oops"}, status=500)
        assert body.keys() == {"ticket"}
        assert body["ticket"].keys() == {"comment", "metadata"}
        self.audits.append(
            {
                "id": 7000 + len(self.audits),
                "metadata": {"system": {"client": "aiohttp"}, "custom": body["ticket"]["metadata"]},
                "events": [{"type": "Comment", **body["ticket"]["comment"]}],
            }
        )
        if fault == "500 after":
            return web.json_response({"error": "oops"}, status=500)
        if fault == "hang up after":
            return hang_up(request)
        if fault == "silent after":
            await asyncio.sleep(2)
        return web.json_response({"ticket": {"id": 4812}, "audit": self.audits[-1]})

    async def _list(self, request: web.Request, received: Received) -> web.StreamResponse:
        fault, self.get_fault = self.get_fault, None
        if fault == "500":
            return web.json_response({}, status=500)
        if fault == "garbage":
            return web.Response(text="<html>")
        start, size = int(received.query.get("page[after]", "0")), int(received.query["page[size]"])
        end = start + size
        meta = {"has_more": end < len(self.audits), "after_cursor": str(end)}
        return web.json_response({"audits": self.audits[start:end], "meta": meta})

    @property
    def comments(self) -> list[dict[str, Any]]:
        return [event for audit in self.audits for event in audit["events"]]


@pytest.fixture
def account() -> Account:
    return Account()


@asynccontextmanager
async def desk(answer: Answer, *, token: str = TOKEN) -> AsyncIterator[tuple[Zendesk, Receiver]]:
    async with receiving(answer) as receiver, aiohttp.ClientSession() as session:
        yield Zendesk(session=session, url=receiver.url, user=USER, token=token, now=now), receiver


CASE = proposal("Your refund is on its way. 🙂", conversation="zendesk:4812", connector="zendesk:main")


async def outcome_of(answer: Answer, *, attempts: int = 1, interrupted: bool = False) -> Outcome:
    async with desk(answer) as (connector, _):
        return await connector.deliver(CASE, errand(attempts=attempts, interrupted=interrupted))


async def test_a_reply_becomes_a_public_comment_that_carries_its_key(account: Account) -> None:
    async with desk(account.answer) as (connector, receiver):
        outcome = await connector.deliver(CASE, errand())
    assert outcome == Delivered(result={"ticket": 4812, "audit": 7000})
    [got] = receiver.received
    assert (got.method, got.path, got.headers["Content-Type"]) == ("PUT", PUT, "application/json")
    assert got.json == {
        "ticket": {
            "comment": {"body": "Your refund is on its way. 🙂", "public": True},
            "metadata": {"sayso_delivery": DELIVERY},
        }
    }


async def test_a_note_is_internal_and_is_added_once_for_each_key(account: Account) -> None:
    async with desk(account.answer) as (connector, _):
        first = await connector.note("zendesk:4812", "Escalated to Maria.", "note_1")
        again = await connector.note("zendesk:4812", "Escalated to Maria.", "note_1")
    assert first == again == Delivered(result={"ticket": 4812, "audit": 7000})
    assert account.comments == [{"type": "Comment", "body": "Escalated to Maria.", "public": False}]


@pytest.mark.parametrize("fault", ["500 after", "hang up after", "silent after"])
async def test_a_comment_whose_answer_was_lost_is_found(
    account: Account, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zendesk, "_CALL", aiohttp.ClientTimeout(total=0.5))
    account.put_fault = fault
    assert await outcome_of(account.answer) == Delivered(result={"ticket": 4812, "audit": 7000})
    assert len(account.comments) == 1


async def test_a_broken_connection_never_comments_twice(account: Account) -> None:
    """By itself aiohttp sends a PUT again when the connection breaks, as if any PUT could be repeated."""
    account.put_fault = "hang up after"
    async with desk(account.answer) as (connector, receiver):
        await connector.deliver(CASE, errand())
    assert [got.method for got in receiver.received] == ["PUT", "GET"]


async def test_an_unknown_outcome_that_cannot_be_found_is_lost(account: Account) -> None:
    account.put_fault = "500 before"
    outcome = await outcome_of(account.answer)
    assert isinstance(outcome, Lost)
    assert "ticket 4812" in outcome.error


@pytest.mark.parametrize("fault", ["500", "garbage"])
async def test_an_unknown_outcome_that_cannot_be_looked_up_is_lost(account: Account, fault: str) -> None:
    account.put_fault, account.get_fault = "500 after", fault
    assert isinstance(await outcome_of(account.answer), Lost)


async def test_an_interrupted_comment_is_found_and_not_written_again(account: Account) -> None:
    await outcome_of(account.answer)
    assert await outcome_of(account.answer, interrupted=True, attempts=2) == Delivered(
        result={"ticket": 4812, "audit": 7000}
    )
    assert len(account.comments) == 1


async def test_an_interrupted_comment_that_is_not_there_is_written(account: Account) -> None:
    account.audits = [{"id": 1, "metadata": {"system": {}}, "events": []}]
    assert isinstance(await outcome_of(account.answer, interrupted=True), Delivered)
    assert len(account.comments) == 1


@pytest.mark.parametrize("interrupted", [True, False])
async def test_a_comment_waits_while_nobody_can_tell_whether_an_earlier_try_arrived(
    account: Account, *, interrupted: bool
) -> None:
    """One that came to an end each time did not: its last try is a failure, and not a doubt."""
    account.get_fault = "500"
    outcome = await outcome_of(account.answer, attempts=2, interrupted=interrupted)
    assert isinstance(outcome, Postponed)
    assert outcome.doubtful == interrupted
    assert account.comments == []


async def test_a_comment_is_found_behind_hundreds_of_changes(account: Account) -> None:
    account.audits = [{"id": number, "metadata": {"custom": {}}, "events": []} for number in range(1, 251)]
    await outcome_of(account.answer)
    async with desk(account.answer) as (connector, receiver):
        assert isinstance(await connector.deliver(CASE, errand(interrupted=True)), Delivered)
    assert [got.method for got in receiver.received] == ["GET", "GET", "GET"]
    assert len(account.comments) == 1


@pytest.mark.parametrize(("header", "after"), [("13", 13), ("99999", 3600), ("soon", None), ("", None)])
async def test_a_429_holds_the_lane(header: str, after: int | None) -> None:
    outcome = await outcome_of(answering(429, {}, headers={"Retry-After": header}))
    assert isinstance(outcome, Postponed)
    assert outcome.hold_lane
    assert outcome.after == (None if after is None else timedelta(seconds=after))


async def test_two_updates_that_met_are_tried_again() -> None:
    assert isinstance(await outcome_of(answering(409, {"error": "UpdateConflict"})), Postponed)


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 302])
async def test_a_no_for_good_fails_in_words(status: int) -> None:
    outcome = await outcome_of(answering(status, {"description": "closed prevents ticket update"}))
    assert isinstance(outcome, Failed)
    assert ("closed prevents" in outcome.error) is (status != 404)


async def test_a_wrong_token_loses_nothing(account: Account) -> None:
    async with desk(account.answer, token="old") as (connector, _):
        outcome = await connector.deliver(CASE, errand())
    assert isinstance(outcome, Postponed)
    assert "API token" in outcome.error
    assert outcome.hold_lane


async def test_a_zendesk_that_is_down_is_postponed(account: Account) -> None:
    async with receiving(account.answer) as receiver:
        url = receiver.url
    async with aiohttp.ClientSession() as session:
        connector = Zendesk(session=session, url=url, user=USER, token=TOKEN, now=now)
        assert isinstance(await connector.deliver(CASE, errand()), Postponed)


async def test_an_action_and_a_blank_reply_are_refused_unsent(account: Account) -> None:
    async with desk(account.answer) as (connector, receiver):
        assert isinstance(await connector.deliver(proposal(REFUND, conversation="zendesk:4812"), errand()), Failed)
        assert isinstance(await connector.deliver(proposal(" ", conversation="zendesk:4812"), errand()), Failed)
    assert receiver.received == []


@pytest.mark.parametrize("text", ["", "zendesk:", "zendesk:0", "zendesk:-1", "zendesk:1/../2", "zendesk:1\n", "4812"])
async def test_an_id_that_is_no_ticket_is_refused_unsent(account: Account, text: str) -> None:
    with pytest.raises(BadInput):
        parse_ticket_id(text)
    async with desk(account.answer) as (connector, receiver):
        assert isinstance(await connector.deliver(proposal("Hi", conversation=text), errand()), Failed)
    assert receiver.received == []


@pytest.mark.parametrize("url", ["http://shop.zendesk.com", "shop.zendesk.com", "ftp://x", ""])
async def test_credentials_never_travel_in_clear(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(BadInput):
            Zendesk(session=session, url=url, user=USER, token=TOKEN, now=now)
