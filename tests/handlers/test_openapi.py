"""The description of the HTTP interface is true: what it allows is taken, and what is answered is as described."""

import copy
import json
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from bot.slack import ids
from bot.tokens import Scope
from handlers.openapi import document
from tests.handlers.wire import Answered, send
from tests.world import World, reply

SPEC = json.loads(json.dumps(document()))
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**53,
    1.5,
    "",
    "x",
    "<!channel>",
    "a" * 400,
    [],
    [1],
    {},
    {"id": "c"},
    {"text": "t"},
]


def allowed(model: str, value: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{model}", "components": SPEC["components"]}
    return bool(Draft202012Validator(schema).is_valid(value))


def as_described(path: str, method: str, answer: Answered) -> None:
    """The status and the body are among those that the description names."""
    operation = SPEC["paths"][path][method]
    described = operation["responses"].get(str(answer.status))
    assert described, (answer.status, answer.json)
    kind = answer.headers["content-type"].partition(";")[0]
    schema = described["content"][kind]["schema"]
    Draft202012Validator({**schema, "components": SPEC["components"]}).validate(answer.json)


def test_it_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(SPEC).validate()
    assert SPEC["openapi"] == "3.1.0"


async def test_it_is_served_and_names_every_route_of_the_interface(world: World) -> None:
    answer = await send(world, "GET", "/openapi.json", Authorization=None)
    assert answer.json == SPEC
    for path, methods in SPEC["paths"].items():
        for method in methods:
            assert (await send(world, method.upper(), path.replace("{", "").replace("}", ""))).status != 405, path
        assert (await send(world, "DELETE", path.replace("{", "").replace("}", ""))).status == 405, path


def mutants() -> list[dict[str, Any]]:
    """Plain bodies with one or two places changed, by a fixed seed."""
    chance = random.Random(7)
    plain = reply(evidence=[{"title": "t", "url": "https://a.example", "quote": "q"}], expires_in=60)
    action = {**reply(), "kind": "action", "action": {"name": "refund", "args": {"amount": 5, "deep": {"a": [1]}}}}
    del action["reply"]
    made = []
    for _ in range(150):
        body = copy.deepcopy(chance.choice([plain, action]))
        for _ in range(chance.choice([1, 1, 2])):
            spot: Any = body
            while isinstance(spot, dict | list) and spot:
                key = chance.choice(list(spot) if isinstance(spot, dict) else range(len(spot)))
                if not isinstance(spot[key], dict | list) or chance.random() < 0.4:
                    if isinstance(spot, dict) and chance.random() < 0.25:
                        del spot[key]
                    else:
                        spot[key] = copy.deepcopy(chance.choice(ODD))
                    break
                spot = spot[key]
        made.append(body)
    return made


async def test_what_the_schema_refuses_is_refused_and_every_answer_is_as_described(world: World) -> None:
    statuses = []
    for body in mutants():
        answer = await send(world, body=body)
        as_described("/v1/proposals", "post", answer)
        statuses.append(answer.status)
        if not allowed("ProposalIn", body):
            assert answer.status == 422, body
        elif answer.status == 422:
            # The schema cannot say that `kind` goes with its field, nor what the policy lists.
            assert any(words in answer.detail for words in ("goes with the field", "policy", "address")), (body, answer)
    assert statuses.count(201) > 10
    assert statuses.count(422) > 30


async def test_every_life_of_a_proposal_is_as_described(world: World) -> None:
    proposed = await world.propose()
    ran = await world.propose(category="orders", confidence=1.0)
    escalated = await world.propose(category="legal")
    edited = await world.act("refund", {"amount": 100, "why": None, "ok": True})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await world.click("U0LEAD", await world.card(escalated["id"], "C0ESCALATE"), ids.TAKE_OVER, "C0ESCALATE")
    await world.get(proposed["id"], wait=5)
    for one in (proposed, ran, escalated, edited):
        as_described("/v1/proposals/{id}", "get", await send(world, "GET", f"/v1/proposals/{one['id']}"))
    gone = await send(world, "POST", f"/v1/proposals/{edited['id']}/withdraw")
    as_described("/v1/proposals/{id}/withdraw", "post", gone)
    late = await send(world, "POST", f"/v1/proposals/{ran['id']}/withdraw")
    assert late.status == 409
    as_described("/v1/proposals/{id}/withdraw", "post", late)
    as_described("/v1/proposals", "get", await send(world, "GET", "/v1/proposals?limit=2"))


@pytest.mark.parametrize(
    ("method", "path", "described"),
    [
        ("GET", "/v1/proposals/prp_x", "/v1/proposals/{id}"),
        ("GET", "/v1/proposals/prp_x?wait=x", "/v1/proposals/{id}"),
        ("GET", "/v1/proposals?limit=0", "/v1/proposals"),
        ("POST", "/v1/proposals/prp_x/withdraw", "/v1/proposals/{id}/withdraw"),
    ],
)
async def test_every_refusal_is_as_described(world: World, method: str, path: str, described: str) -> None:
    read_only = await world.sayso.tokens.create("reader", Scope.READ)
    for token in (f"Bearer {world.token}", "Bearer sayso_nobody", None, f"Bearer {read_only}"):
        answer = await send(world, method, path, Authorization=token)
        assert answer.status >= 400
        as_described(described, method.lower(), answer)


@pytest.mark.parametrize("path", ["/v1/proposals", "/v1/tickets"])
def test_a_submission_is_described_with_its_idempotency_key(path: str) -> None:
    headers = [one["name"] for one in SPEC["paths"][path]["post"]["parameters"] if one["in"] == "header"]
    assert "Idempotency-Key" in headers


async def test_a_list_is_asked_for_as_described(world: World) -> None:
    described = {one["name"]: one["schema"] for one in SPEC["paths"]["/v1/proposals"]["get"]["parameters"]}

    def fits(name: str, value: Any) -> bool:
        return bool(Draft202012Validator(described[name]).is_valid(value))

    for _ in range(2):
        await world.propose()
    page = (await send(world, "GET", "/v1/proposals?limit=1&state=pending&state=escalated")).json
    assert len(page["proposals"]) == 1
    assert fits("state", ["pending", "escalated"])
    assert fits("cursor", page["cursor"])
    assert not fits("state", ["open"])
    assert not fits("cursor", "x")
    for wrong in ("state=pending&state=open", "cursor=x"):
        assert (await send(world, "GET", f"/v1/proposals?{wrong}")).status == 422
