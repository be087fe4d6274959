import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.connectors.webhook import Webhook
from bot.domain.canonical import canonical_json
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.lifecycle import Verdict
from bot.domain.proposal import Action, Proposal, Reply
from bot.outbound import Guard, Limits, Outbound
from bot.signing import BadSignature, verify
from tests.connectors.cases import DELIVERY, NOW, REFUND, RULE, errand, now, proposal
from tests.connectors.receiver import Answer, Received, answering, hang_up, receiving

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    guard = Guard(allowed_hosts=frozenset(), allow_loopback_http=True)
    limits = Limits(connect=1, read=0.3, total=0.6, body=20_000)
    async with Outbound(guard, limits=limits) as outbound:
        yield outbound


def webhook(outbound: Outbound, url: str, *, idempotent: bool = True) -> Webhook:
    return Webhook(
        name="payments",
        url=url,
        secret=SECRET,
        outbound=outbound,
        idempotent=lambda _: idempotent,
        now=now,
    )


async def outcome_of(outbound: Outbound, answer: Answer, *, idempotent: bool) -> Outcome:
    async with receiving(answer) as receiver:
        outcome = await webhook(outbound, receiver.url, idempotent=idempotent).deliver(proposal(REFUND), errand())
        assert len(receiver.received) == 1
        return outcome


async def never(request: web.Request, received: Received) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def broken(request: web.Request, received: Received) -> web.StreamResponse:
    return hang_up(request)


async def test_the_receiver_gets_the_approved_action_in_canonical_json_under_one_key(
    outbound: Outbound,
) -> None:
    case = proposal(REFUND, customer={"name": "Ana", "tier": "gold"}, subject="Money")
    async with receiving(answering(200, {"refund": "re_9"})) as receiver:
        outcome = await webhook(outbound, receiver.url + "/hooks").deliver(case, errand())
    assert outcome == Delivered(result={"refund": "re_9"})
    [got] = receiver.received
    assert (got.method, got.path, got.headers["Content-Type"]) == ("POST", "/hooks", "application/json")
    assert got.headers["Idempotency-Key"] == got.headers["webhook-id"] == DELIVERY
    assert got.body == canonical_json(got.json)
    assert got.json == {
        "type": "proposal.execute",
        "id": "prp_1",
        "delivery": DELIVERY,
        "kind": "action",
        "category": "refunds",
        "conversation": {
            "id": "web:1",
            "subject": "Money",
            "url": None,
            "customer": {"name": "Ana", "tier": "gold"},
        },
        "action": {"name": "refund", "args": {"order": "A-17", "amount": 42.5}},
        "revision": 1,
        "digest": case.digest,
        "approved_by": {"id": "U0MARIA", "name": "Maria Silva"},
        "at": "2026-03-14T09:27:53+00:00",
    }


async def test_a_reply_stands_under_reply_and_nobody_approved_what_ran_on_its_own(outbound: Outbound) -> None:
    case = proposal("Hello <!channel> 🙂", verdict=Verdict.AUTOMATE, decided_by=RULE)
    async with receiving(answering(204, text="")) as receiver:
        outcome = await webhook(outbound, receiver.url).deliver(case, errand())
    assert outcome == Delivered(result=None)
    body = receiver.received[0].json
    assert body["reply"] == {"text": "Hello <!channel> 🙂"}
    assert body["kind"] == "reply"
    assert body["approved_by"] is None
    assert "action" not in body


async def test_the_signature_holds_over_the_very_bytes_and_breaks_with_one_more(outbound: Outbound) -> None:
    async with receiving(answering(200)) as receiver:
        hook = Webhook(
            name="payments",
            url=receiver.url,
            secret=SECRET,
            outbound=outbound,
            idempotent=lambda _: True,
            now=lambda: datetime.now(UTC),
        )
        await hook.deliver(proposal(REFUND), errand())
    [got] = receiver.received
    headers = {name.lower(): value for name, value in got.headers.items()}
    verify(SECRET, headers=headers, body=got.body)
    with pytest.raises(BadSignature):
        verify(SECRET, headers=headers, body=got.body + b" ")


async def test_every_attempt_has_the_same_key_and_the_same_body(outbound: Outbound) -> None:
    async with receiving(answering(503)) as receiver:
        hook = webhook(outbound, receiver.url)
        await hook.deliver(proposal(REFUND), errand())
        await hook.deliver(proposal(REFUND), errand(attempts=2, interrupted=True))
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
async def test_a_no_for_good_fails_with_status_and_a_piece_of_the_answer(outbound: Outbound, status: int) -> None:
    answer = answering(status, text="no such order\n" + "x" * 5_000)
    outcome = await outcome_of(outbound, answer, idempotent=True)
    assert isinstance(outcome, Failed)
    assert outcome.error.startswith(f"payments answered {status}: no such order x")
    assert len(outcome.error) < 250


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("status", [425, 429])
async def test_what_was_refused_unprocessed_is_postponed(outbound: Outbound, status: int, idempotent: bool) -> None:
    answer = answering(status, headers={"Retry-After": "7"})
    outcome = await outcome_of(outbound, answer, idempotent=idempotent)
    assert isinstance(outcome, Postponed)
    assert outcome.after == timedelta(seconds=7)
    assert outcome.hold_lane is (status == 429)


@pytest.mark.parametrize("header", ["", "soon", "-1"])
async def test_a_retry_after_without_sense_leaves_the_wait_to_the_back_off(outbound: Outbound, header: str) -> None:
    outcome = await outcome_of(outbound, answering(429, headers={"Retry-After": header}), idempotent=False)
    assert isinstance(outcome, Postponed)
    assert outcome.after is None


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_error_is_tried_again_only_where_the_key_is_honoured(outbound: Outbound, status: int) -> None:
    answer = answering(status, text="<html>Bad gateway</html>", headers={"Retry-After": "30"})
    honoured = await outcome_of(outbound, answer, idempotent=True)
    assert isinstance(honoured, Postponed)
    assert honoured.after == timedelta(seconds=30)
    lost = await outcome_of(outbound, answer, idempotent=False)
    assert isinstance(lost, Lost)
    assert f"answered {status}" in lost.error
    assert lost.error.endswith("Look there before you retry.")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_says_nothing_of_what_was_done(outbound: Outbound, status: int) -> None:
    answer = answering(status, text="See the refund", headers={"Location": "http://127.0.0.1:9/"})
    honoured = await outcome_of(outbound, answer, idempotent=True)
    assert isinstance(honoured, Postponed)
    assert honoured.maybe
    lost = await outcome_of(outbound, answer, idempotent=False)
    assert isinstance(lost, Lost)
    assert lost.error.startswith(f"payments answered {status}: See the refund. Sayso follows no redirect")


@pytest.mark.parametrize("answer", [never, broken])
async def test_silence_is_tried_again_only_where_the_key_is_honoured(outbound: Outbound, answer: Answer) -> None:
    honoured = await outcome_of(outbound, answer, idempotent=True)
    assert isinstance(honoured, Postponed)
    assert honoured.maybe
    assert isinstance(await outcome_of(outbound, answer, idempotent=False), Lost)


@pytest.mark.parametrize("earlier", [errand(interrupted=True), errand(attempts=2, maybe=True), errand(again=True)])
async def test_a_conflict_on_an_honoured_key_that_was_used_before_means_that_it_was_done(
    outbound: Outbound, earlier: Errand
) -> None:
    async with receiving(answering(409, {"done": True})) as receiver:
        outcome = await webhook(outbound, receiver.url).deliver(proposal(REFUND), earlier)
    assert outcome == Delivered(result={"done": True})


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_conflict_before_anything_can_have_arrived_is_a_refusal(outbound: Outbound, attempts: int) -> None:
    """The second attempt of a call whose first found nobody there is the first that the receiver sees."""
    async with receiving(answering(409, text="order 1042 is closed")) as receiver:
        outcome = await webhook(outbound, receiver.url).deliver(proposal(REFUND), errand(attempts=attempts))
    assert outcome == Failed(error="payments answered 409: order 1042 is closed")


async def test_a_conflict_that_asks_to_wait_is_still_under_way(outbound: Outbound) -> None:
    outcome = await outcome_of(outbound, answering(409, headers={"Retry-After": "2"}), idempotent=True)
    assert isinstance(outcome, Postponed)
    assert outcome.after == timedelta(seconds=2)


async def test_a_conflict_without_a_key_is_for_a_person_to_settle(outbound: Outbound) -> None:
    assert isinstance(await outcome_of(outbound, answering(409), idempotent=False), Lost)


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_receiver_that_is_down_was_not_called(outbound: Outbound, idempotent: bool) -> None:
    async with receiving(answering(200)) as receiver:
        url = receiver.url
    outcome = await webhook(outbound, url, idempotent=idempotent).deliver(proposal(REFUND), errand())
    assert isinstance(outcome, Postponed)


async def test_an_address_that_the_policy_does_not_allow_fails_for_good() -> None:
    async with Outbound(Guard(allowed_hosts=frozenset(), allow_loopback_http=False)) as outbound:
        outcome = await webhook(outbound, "http://127.0.0.1:9/").deliver(proposal(REFUND), errand())
    assert isinstance(outcome, Failed)


@pytest.mark.parametrize(
    "earlier", [errand(interrupted=True, attempts=2), errand(attempts=2, maybe=True), errand(again=True, maybe=True)]
)
async def test_a_call_that_may_have_arrived_is_lost_uncalled_where_no_key_is_honoured(
    outbound: Outbound, earlier: Errand
) -> None:
    async with receiving(answering(200)) as receiver:
        outcome = await webhook(outbound, receiver.url, idempotent=False).deliver(proposal(REFUND), earlier)
    assert isinstance(outcome, Lost)
    assert receiver.received == []


async def test_what_a_person_wants_tried_again_is_called_where_no_key_is_honoured(outbound: Outbound) -> None:
    async with receiving(answering(200, {"ok": True})) as receiver:
        hook = webhook(outbound, receiver.url, idempotent=False)
        outcome = await hook.deliver(proposal(REFUND), errand(again=True))
    assert outcome == Delivered(result={"ok": True})


async def test_an_interrupted_call_is_repeated_where_the_key_is_honoured(outbound: Outbound) -> None:
    async with receiving(answering(200, {"ok": True})) as receiver:
        outcome = await webhook(outbound, receiver.url).deliver(proposal(REFUND), errand(interrupted=True))
    assert outcome == Delivered(result={"ok": True})
    assert len(receiver.received) == 1


async def test_a_yes_with_a_body_beyond_every_bound_is_still_a_yes(outbound: Outbound) -> None:
    assert await outcome_of(outbound, answering(200, text="x" * 100_000), idempotent=False) == Delivered()


async def test_a_no_whose_body_breaks_off_is_still_a_no(outbound: Outbound) -> None:
    assert isinstance(await outcome_of(outbound, answering(422, text="x" * 100_000), idempotent=False), Failed)


async def test_whether_the_key_is_honoured_is_asked_for_each_proposal(outbound: Outbound) -> None:
    def only_refunds(case: Proposal) -> bool:
        return isinstance(case.content, Action)

    async with receiving(answering(500)) as receiver:
        hook = Webhook(
            name="payments",
            url=receiver.url,
            secret=SECRET,
            outbound=outbound,
            idempotent=only_refunds,
            now=now,
        )
        assert isinstance(await hook.deliver(proposal(REFUND), errand()), Postponed)
        assert isinstance(await hook.deliver(proposal(Reply(text="Hi")), errand()), Lost)


async def test_the_timestamp_is_the_moment_of_the_attempt(outbound: Outbound) -> None:
    async with receiving(answering(200)) as receiver:
        await webhook(outbound, receiver.url).deliver(proposal(REFUND), errand())
    assert receiver.received[0].headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert json.loads(receiver.received[0].body)["at"] != NOW.isoformat()
