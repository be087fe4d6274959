"""The HTTP interface takes what it understands and answers everything else with one sentence."""

import asyncio
import gzip
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import TooMuch
from bot.tokens import Scope
from handlers.api import Rate
from handlers.body import LARGEST_BODY
from tests.handlers.nasty import HIDING, INJECTIONS
from tests.handlers.wire import body_of, count, raw, send
from tests.world import POLICY, World, reply, running_world

BAD_JSON = {
    "nothing": (b"", "The body is empty"),
    "blank": (b" \n", "The body is empty"),
    "half": (body_of()[:-1], "This is not JSON"),
    "two values": (body_of() + b"{}", "This is not JSON"),
    "duplicate keys": (body_of()[:-1] + b', "kind": "action"}', "stands twice"),
    "NaN": (body_of().replace(b"0.95", b"NaN"), "NaN is not JSON"),
    "Infinity": (body_of().replace(b"0.95", b"Infinity"), "Infinity is not JSON"),
    "-Infinity": (body_of().replace(b"0.95", b"-Infinity"), "Infinity is not JSON"),
    "1e400": (body_of().replace(b"0.95", b"1e400"), "too large"),
    "2^63": (body_of(kind="action", reply=None, action={"name": "refund", "args": {"n": 2**63}}), "beyond"),
    "deep": (b'{"kind": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nests deeper"),
    "deep, never closed": (b"[" * 100_000, "nests deeper"),
    "BOM": (b"\xef\xbb\xbf" + body_of(), "byte order mark"),
    "UTF-16": (json.dumps(reply()).encode("utf-16"), "UTF-16"),
    "UTF-16 without BOM": (json.dumps(reply()).encode("utf-16-le"), "UTF-16"),
    "invalid UTF-8": (body_of().replace(b"Monday", b"Mon\xffday"), "not UTF-8"),
    "overlong UTF-8": (body_of().replace(b"Monday", b"Mon\xc0\xafday"), "not UTF-8"),
    "surrogate in UTF-8": (body_of().replace(b"Monday", b"\xed\xa0\x80"), "not UTF-8"),
    "NUL": (body_of().replace(b"Monday", b"Mon\\u0000day"), "NUL"),
    "lone surrogate": (body_of().replace(b"Monday", b"\\ud800"), "surrogate"),
    "a list": (b"[]", "the body"),
    "null": (b"null", "the body"),
    "a string": (b'"reply"', "the body"),
}
BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"approved": True}, "approved"),
    "unknown field inside": ({"reply": {"text": "x", "html": "y"}}, "reply.html"),
    "neither": ({"reply": None}, "goes with the field reply"),
    "both": ({"action": {"name": "refund", "args": {}}}, "without action"),
    "the other": ({"kind": "action"}, "goes with the field action"),
    "kind": ({"kind": "note"}, "kind"),
    "kind in capitals": ({"kind": "REPLY"}, "kind"),
    "category with a mention": ({"category": "<!channel>"}, "category"),
    "category in capitals": ({"category": "Refunds"}, "category"),
    "category with a line": ({"category": "refunds\n"}, "category"),
    "category too long": ({"category": "a" * 81}, "category"),
    "category empty": ({"category": ""}, "category"),
    "category with a hidden character": ({"category": "refunds\u200b"}, "category"),
    "name with a mention": ({"kind": "action", "reply": None, "action": {"name": "<@U1>", "args": {}}}, "action.name"),
    "name with blanks": ({"kind": "action", "reply": None, "action": {"name": "re fund", "args": {}}}, "action.name"),
    "argument without a name": ({"kind": "action", "reply": None, "action": {"name": "a", "args": {"": 1}}}, "args"),
    "argument with a long name": (
        {"kind": "action", "reply": None, "action": {"name": "a", "args": {"a" * 101: 1}}},
        "args",
    ),
    "args a list": ({"kind": "action", "reply": None, "action": {"name": "a", "args": []}}, "args"),
    "text a number": ({"reply": {"text": 5}}, "reply.text"),
    "text too long": ({"reply": {"text": "a" * 40_001}}, "reply.text"),
    "score below": ({"confidence": -0.1}, "confidence"),
    "score above": ({"confidence": 1.0000001}, "confidence"),
    "score two": ({"confidence": 2}, "confidence"),
    "score a string": ({"confidence": "0.99"}, "confidence"),
    "score true": ({"confidence": True}, "confidence"),
    "score a list": ({"confidence": [0.99]}, "confidence"),
    "scope a string": ({"in_scope": "true"}, "in_scope"),
    "scope a number": ({"in_scope": 1}, "in_scope"),
    "scope null": ({"in_scope": None}, ""),
    "expiry of zero": ({"expires_in": 0}, "expires_in"),
    "expiry true": ({"expires_in": True}, "expires_in"),
    "expiry a fraction": ({"expires_in": 1.5}, "expires_in"),
    "expiry too far": ({"expires_in": 30 * 86400 + 1}, "expires_in"),
    "conversation without id": ({"conversation": {"messages": []}}, "conversation.id"),
    "a role of ours": ({"conversation": {"id": "c", "messages": [{"role": "system", "text": "x"}]}}, "role"),
    "too many messages": ({"conversation": {"id": "c", "messages": [{"role": "ai", "text": "x"}] * 501}}, "messages"),
    "customer name a list": ({"conversation": {"id": "c", "customer": {"name": ["x"]}}}, "customer.name"),
    "too much evidence": ({"evidence": [{"title": "x"}] * 21}, "evidence"),
    "evidence a string": ({"evidence": "x"}, "evidence"),
    "unknown connector": ({"connector": "webhook:nowhere"}, "no connector"),
}


async def test_json_that_is_not_plain_json_gets_a_sentence_and_changes_nothing(world: World) -> None:
    for name, (body, sentence) in BAD_JSON.items():
        answer = await send(world, body=body)
        assert answer.status == 422, (name, answer)
        assert sentence in answer.detail, (name, answer.detail)
    assert await count(world) == 0


async def test_a_field_that_is_off_is_named_in_a_sentence_and_changes_nothing(world: World) -> None:
    for name, (changes, sentence) in BAD_FIELDS.items():
        body = reply() | changes
        body = {
            field: value for field, value in body.items() if value is not None or field in ("confidence", "in_scope")
        }
        answer = await send(world, body=body)
        assert answer.status == 422, (name, answer)
        assert sentence in answer.detail, (name, answer.detail)
        assert len(answer.detail) < 600
        assert "Value error" not in answer.detail and "pattern" not in answer.detail, (name, answer.detail)
    assert await count(world) == 0


async def test_a_score_of_null_is_a_case_for_the_escalation_team_and_0_and_1_are_scores(world: World) -> None:
    for score, state in (
        (None, "escalated"),
        (0, "escalated"),
        (1, "approved"),
        (1.0, "approved"),
        (-0.0, "escalated"),
    ):
        answer = await send(world, body=reply(category="orders", confidence=score))
        assert (answer.status, answer.json["state"]) == (201, state), score


async def test_the_first_twenty_faults_are_told_and_a_huge_name_is_not_given_back(world: World) -> None:
    answer = await send(world, body=reply() | {f"{n}{'x' * 30_000}": n for n in range(30)})
    assert answer.status == 422
    assert len(answer.json["errors"]) == 20
    assert len(json.dumps(answer.json)) < 10_000


async def test_a_body_that_is_too_large_is_refused_unread_or_at_the_limit(world: World) -> None:
    large = body_of(conversation={"id": "c", "messages": [{"role": "customer", "text": "x" * 190_000}] * 6})
    assert len(large) > LARGEST_BODY
    answer = await send(world, body=large)
    assert answer.status == 413
    assert "larger than 1,000,000 bytes" in answer.detail
    head = f"POST /v1/proposals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\nIdempotency-Key: k"
    head += "\r\nContent-Type: application/json"
    said = await raw(world, f"{head}\r\nContent-Length: 3000000".encode(), body_of())
    assert b" 413 " in said.split(b"\r\n")[0]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [b" " * 200_000] * 6) + b"0\r\n\r\n"
    said = await raw(world, f"{head}\r\nTransfer-Encoding: chunked".encode(), chunks)
    assert b" 413 " in said.split(b"\r\n")[0]
    assert await count(world) == 0


async def test_a_length_that_lies_is_no_proposal(world: World) -> None:
    head = f"POST /v1/proposals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\nIdempotency-Key: k"
    head += "\r\nContent-Type: application/json"
    said = await raw(world, f"{head}\r\nContent-Length: 20".encode(), body_of())
    assert said.split(b" ")[1] in (b"400", b"422")
    for lie in ("-5", "abc", "1_000", "99999999999999999999"):
        said = await raw(world, f"{head}\r\nContent-Length: {lie}".encode(), body_of())
        assert said.split(b" ")[1] in (b"400", b"413"), lie
    both = f"{head}\r\nContent-Length: 20\r\nTransfer-Encoding: chunked".encode()
    assert b" 400 " in (await raw(world, both, body_of())).split(b"\r\n")[0]
    assert await count(world) == 0


async def test_a_compressed_body_is_refused_unread(world: World) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    for coding in ("gzip", "GZIP", "deflate", "br", "identity, gzip", "x-nonsense"):
        answer = await send(world, body=bomb, Content_Encoding=coding)
        assert answer.status == 415, coding
        assert "uncompressed" in answer.detail
    head = f"POST /v1/proposals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\nIdempotency-Key: k"
    head += f"\r\nContent-Type: application/json\r\nContent-Length: {len(bomb)}"
    said = await raw(world, f"{head}\r\nContent-Encoding: identity\r\nContent-Encoding: gzip".encode(), bomb)
    assert said.split(b" ")[1] == b"415"
    assert (await send(world, body=body_of(), Content_Encoding="identity")).status == 201
    assert await count(world) == 1


async def test_what_is_not_called_json_is_refused(world: World) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
        answer = await send(world, body=body_of(), Content_Type=kind)
        assert answer.status == 415, kind
        assert "application/json" in answer.detail
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON"):
        assert (await send(world, body=body_of(), Content_Type=kind)).status == 201


async def test_a_key_that_cannot_be_kept_gets_a_sentence(world: World) -> None:
    for key in (None, "", "k" * 256, "ключ"):
        answer = await send(world, body=body_of(), Idempotency_Key=key)
        assert answer.status == 422, key
        assert "Idempotency-Key" in answer.detail
    head = f"POST /v1/proposals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}".encode()
    head += b"\r\nContent-Type: application/json\r\nIdempotency-Key: \xff\xfe\r\nContent-Length: %d" % len(body_of())
    assert b" 422 " in (await raw(world, head, body_of())).split(b"\r\n")[0]
    assert (await send(world, body=body_of(), Idempotency_Key="k" * 255)).status == 201
    assert await count(world) == 1


async def test_an_id_or_a_query_that_nobody_wrote_gets_a_sentence(world: World) -> None:
    for path in (
        "/v1/proposals/%ff",
        "/v1/proposals/%00",
        "/v1/proposals/%ed%a0%80",
        "/v1/proposals/a%20b",
        "/v1/proposals/x",
    ):
        assert (await send(world, "GET", path)).status == 404, path
        answer = await send(world, "POST", f"{path}/withdraw")
        assert answer.status == 404, path
        assert "There is no proposal" in answer.detail
    wrong: tuple[str, ...] = (
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1.5",
        "limit=x",
        "limit=0002009999",
        f"limit={'9' * 5000}",
    )
    wrong += ("state=open", "state=PENDING")
    for query in wrong:
        answer = await send(world, "GET", f"/v1/proposals?{query}")
        assert answer.status == 422, query
        assert answer.detail
    for cursor in ("x", "%ed%a0%80", "a%27b", "prp_1", f"prp_{'0' * 28}%0a", f"prp_{'g' * 28}", f"PRP_{'0' * 28}"):
        answer = await send(world, "GET", f"/v1/proposals?cursor={cursor}")
        assert (answer.status, "leave it out for the first page" in answer.detail) == (422, True), cursor
    for query in ("category=%ff", "category=%00", "category=Refunds", f"cursor=prp_{'0' * 28}"):
        answer = await send(world, "GET", f"/v1/proposals?{query}")
        assert (answer.status, answer.json["proposals"]) == (200, []), query
    for wait in ("-1", "61", "nan", "inf", "1e9", "x", "0x1"):
        answer = await send(world, "GET", f"/v1/proposals/prp_x?wait={wait}")
        assert answer.status == 422, wait


async def test_whatever_is_refused_is_refused_as_a_problem(world: World) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("DELETE", "/v1/proposals", 405),
        ("PUT", "/v1/proposals/prp_x", 405),
        ("GET", "/v1/proposals/prp_x", 404),
    ):
        answer = await send(world, method, path)
        assert answer.status == status
        assert re.fullmatch(r"(There is|This address takes) .*\.", answer.detail), "a sentence, not the status again"
    assert "/openapi.json" in (await send(world, "GET", "/v1/nothing")).detail
    assert "takes GET and POST, not DELETE" in (await send(world, "DELETE", "/v1/proposals")).detail
    assert "POST" in (await send(world, "DELETE", "/v1/proposals")).headers["allow"]


async def test_what_goes_wrong_inside_is_a_problem_too_and_says_nothing_of_the_inside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret path /etc/sayso")

    monkeypatch.setattr(type(world.sayso.store), "read", broken)
    answer = await send(world, "GET", "/v1/proposals")
    assert answer.status == 500
    assert "secret path" not in answer.detail


async def test_nasty_words_come_back_as_they_went_in(world: World) -> None:
    for text in (*INJECTIONS.values(), *HIDING.values(), "a" * 40_000, "line\n" * 5_000, "  ", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"):
        answer = await send(world, body=reply(category="orders", confidence=1.0, reply={"text": text}))
        assert answer.status == 201, answer
        if text.strip():
            found = await world.get(answer.json["id"], wait=5)
            assert found["final"] == {"reply": {"text": text}}


async def test_arguments_beyond_the_bound_are_refused(world: World) -> None:
    action = {"kind": "action", "reply": None, "action": {"name": "refund", "args": {"why": "x" * 40_000}}}
    body = {name: value for name, value in (reply() | action).items() if value is not None}
    answer = await send(world, body=body)
    assert answer.status == 422
    assert "longer than 40,000 bytes" in answer.detail


async def test_a_list_is_read_page_by_page_each_one_once(world: World) -> None:
    made = [(await world.propose())["id"] for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = (await send(world, "GET", f"/v1/proposals?limit=2&cursor={cursor}")).json
        seen += [one["id"] for one in page["proposals"]]
        cursor = page["cursor"] or ""
        if not cursor:
            break
    assert seen == made[::-1]
    only = (await send(world, "GET", "/v1/proposals?state=pending&state=escalated&category=refunds")).json
    assert len(only["proposals"]) == 7
    assert (await send(world, "GET", "/v1/proposals?state=executed")).json["proposals"] == []


def test_the_bucket_of_a_token_refills_steadily_and_says_how_long_to_wait() -> None:
    now = 0.0
    rate = Rate(60, now=lambda: now)
    for _ in range(60):
        rate.count("a")
    with pytest.raises(TooMuch) as refused:
        rate.count("a")
    assert refused.value.retry_after == 1
    rate.count("b")
    now = 1.0
    rate.count("a")
    with pytest.raises(TooMuch):
        rate.count("a")
    now = -3600.0
    with pytest.raises(TooMuch):
        rate.count("a")


async def test_too_many_a_minute_and_too_many_waiting_are_told_with_retry_after(tmp_path: Path) -> None:
    policy = POLICY + "\n[limits]\nper_minute = 4\npending = 2\n"
    async with running_world(tmp_path / "sayso.db", policy) as world:
        await world.propose()
        await world.propose()
        waiting = await send(world, body=body_of())
        assert (waiting.status, waiting.headers["retry-after"]) == (429, "60")
        assert "already wait for a person" in waiting.detail
        assert (await send(world, body=reply(category="orders", confidence=1.0))).status == 429
        fast = await send(world, body=body_of())
        assert fast.status == 429
        assert "More than 4 proposals a minute" in fast.detail
        assert int(fast.headers["retry-after"]) >= 1
        other = await world.sayso.tokens.create("other-ai", Scope.PROPOSE)
        assert (await send(world, body=body_of(), Authorization=f"Bearer {other}")).status == 201


async def test_the_same_key_is_one_proposal_even_at_the_same_moment(world: World) -> None:
    answers = await asyncio.gather(*(send(world, body=body_of(), Idempotency_Key="one") for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1
    changed = await send(world, body=body_of(confidence=0.5), Idempotency_Key="one")
    assert changed.status == 409
    assert "another body" in changed.detail
    reordered = json.dumps(dict(reversed(reply().items()))).encode()
    assert (await send(world, body=reordered, Idempotency_Key="one")).status == 200


async def test_a_long_poll_ends_when_the_case_is_closed_and_not_before(world: World) -> None:
    proposed = await world.propose()
    waiting = asyncio.create_task(send(world, "GET", f"/v1/proposals/{proposed['id']}?wait=30"))
    await world.card(proposed["id"])
    assert not waiting.done()
    await send(world, "POST", f"/v1/proposals/{proposed['id']}/withdraw")
    answer = await asyncio.wait_for(waiting, 15)
    assert answer.json["closed"]
    assert answer.json["decision"]["kind"] == "withdrawn"


async def test_a_long_poll_ends_with_its_time(world: World) -> None:
    proposed = await world.propose()
    answer = await send(world, "GET", f"/v1/proposals/{proposed['id']}?wait=0.05")
    assert answer.json["state"] == "pending"


@pytest.mark.parametrize(
    ("asked", "given"),
    [(None, 4 * 3600), (60, 60), (4 * 3600, 4 * 3600), (4 * 3600 + 1, 4 * 3600), (30 * 86400, 4 * 3600)],
)
async def test_an_agent_may_ask_for_less_time_than_the_policy_allows_but_not_for_more(
    tmp_path: Path, asked: int | None, given: int
) -> None:
    policy = POLICY.replace(
        '[categories.refunds]\nmode = "suggest"', '[categories.refunds]\nmode = "suggest"\nexpires_in = "4h"'
    )
    async with running_world(tmp_path / "sayso.db", policy) as world:
        for status in (201, 200):
            made = await world.propose(expires_in=asked, key="one", status=status)
            span = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
            assert span == timedelta(seconds=given)
            told = "The policy lets refunds wait no longer than until expires_at; expires_in asked for more."
            assert made.get("note") == (told if asked and asked > given else None)


async def test_what_could_never_be_delivered_is_refused_before_anybody_approves_it(world: World) -> None:
    talk = {"id": "ticket-9", "messages": []}
    refused = await world.propose(status=422, conversation=talk, connector="slack_thread")
    assert 'has an id like "slack:C0123456789:1712345678.000100"' in refused["detail"]
    assert '"connector": "agent"' in refused["detail"]
    thread = {"id": "slack:C0CUSTOMERS:1712345678.000100", "messages": []}
    made = await world.propose(conversation=thread, connector="slack_thread")
    assert made["connector"] == "slack_thread"
