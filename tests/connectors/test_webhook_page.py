"""docs/connectors.md: its receiver works with the real connector, and its tables say what the code does."""

import re
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.connectors.webhook import Webhook, document
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.proposal import Action
from bot.outbound import Guard, Limits, Outbound
from bot.policy_file.connectors import WebhookTable
from bot.policy_file.form import DefaultsTable
from tests.connectors.cases import DELIVERY, REFUND, errand, proposal
from tests.connectors.receiver import answering, hang_up, receiving
from tests.rules.sources import ROOT

PAGE = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
SECRET = "whsec_" + "c2FtcGxlIHNlY3JldCBvZiAzMiBieXRlcyBvciBzbyE="
OUTCOMES = {"done": Delivered, "tried again": Postponed, "failed": Failed, "in doubt": Lost}


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    guard = Guard(allowed_hosts=frozenset(), allow_loopback_http=True)
    async with Outbound(guard, limits=Limits(connect=1, read=2, total=3)) as made:
        yield made


def webhook(outbound: Outbound, url: str, *, secret: str = SECRET, idempotent: bool = True) -> Webhook:
    return Webhook(
        name="webhook:payments",
        url=url,
        secret=secret,
        outbound=outbound,
        idempotent=lambda _: idempotent,
        now=SystemClock().now,
    )


def table(heading: str) -> list[list[str]]:
    """The rows below a heading row whose first cell is this."""
    rows = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def named(heading: str) -> set[str]:
    return {row[0].strip("`") for row in table(heading)}


# the receiver


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The code of the page, running; its address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYMENTS_WEBHOOK_SECRET", SECRET)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    there: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(code, "docs/connectors.md", "exec"), there)
    monkeypatch.setattr(there["Receiver"], "log_message", lambda *_: None)
    server = HTTPServer(("127.0.0.1", 0), there["Receiver"])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()
    there["db"].close()


async def test_the_receiver_does_it_once_however_often_the_key_comes(outbound: Outbound, receiver: str) -> None:
    hook = webhook(outbound, receiver)
    first = await hook.deliver(proposal(REFUND), errand())
    again = await hook.deliver(proposal(REFUND), errand(interrupted=True))
    other = await hook.deliver(proposal(REFUND), errand(delivery="dlv_other"))
    done = Delivered(result={"refunded": 42.5, "repeated": False})
    assert (first, other) == (done, done)
    assert again == Delivered(result={"refunded": 42.5, "repeated": True})


async def test_the_receiver_refuses_what_is_not_signed_with_its_secret(outbound: Outbound, receiver: str) -> None:
    other = webhook(outbound, receiver, secret="whsec_" + "A" * 43 + "=")
    refused = await other.deliver(proposal(REFUND), errand())
    assert isinstance(refused, Failed)
    assert "401" in refused.error
    done = await webhook(outbound, receiver).deliver(proposal(REFUND), errand())
    assert done == Delivered(result={"refunded": 42.5, "repeated": False}), "and did nothing"


@pytest.mark.parametrize("content", ["Your refund is on its way.", Action(name="refund", args={"order": "A-17"})])
async def test_the_receiver_refuses_what_it_cannot_do(outbound: Outbound, receiver: str, content: Any) -> None:
    refused = await webhook(outbound, receiver).deliver(proposal(content), errand())
    assert isinstance(refused, Failed)
    assert "422" in refused.error


# the tables


def test_the_page_has_exactly_the_settings_and_fields_that_there_are() -> None:
    assert named("setting") == set(WebhookTable.model_fields)
    assert named("field") == set(document(proposal(REFUND), DELIVERY)) | set(document(proposal("Hello"), DELIVERY))
    conversation = document(proposal(REFUND), DELIVERY)["conversation"]
    (said,) = [row[1] for row in table("field") if row[0] == "`conversation`"]
    assert isinstance(conversation, dict)
    assert set(re.findall(r"`(\w+)`", said)) == set(conversation)


async def test_the_page_has_exactly_the_headers_that_are_ours(outbound: Outbound) -> None:
    async with receiving(answering(200)) as there:
        await webhook(outbound, there.url).deliver(proposal(REFUND), errand())
    plain = {"Host", "Accept", "Accept-Encoding", "User-Agent", "Content-Length", "Connection"}
    assert {name for name in there.received[0].headers if name not in plain} == named("header")


def test_the_number_of_tries_is_the_default_and_the_seconds_are_those_that_sayso_waits() -> None:
    page = " ".join(PAGE.split())
    assert f"There are {DefaultsTable().attempts} tries" in page
    assert f"Begin to answer within {Limits().read:g} seconds, and end within {Limits().total:g}." in page


CASES: list[tuple[str, list[int], Errand, dict[str, str]]] = [
    ("200 to 299", [200, 204, 299], errand(), {}),
    ("425, 429", [425, 429], errand(), {}),
    ("409 with `Retry-After`", [409], errand(), {"Retry-After": "3"}),
    ("409 after a call that may have arrived", [409], errand(interrupted=True), {}),
    ("409 otherwise", [409], errand(), {}),
    ("408, 500 to 599", [408, 500, 503, 599], errand(), {}),
    ("300 to 399", [301, 304, 399], errand(), {}),
    ("any other, such as 400, 401, 404, 422", [400, 401, 404, 418, 422], errand(), {}),
]


async def outcome_of(
    outbound: Outbound, status: int | None, *, ours: bool, earlier: Errand, headers: dict[str, str]
) -> Outcome:

    async def silent(request: Any, _: Any) -> Any:
        return hang_up(request)

    async with receiving(answering(status, text="", headers=headers) if status else silent) as there:
        return await webhook(outbound, there.url, idempotent=ours).deliver(proposal(REFUND), earlier)


@pytest.mark.parametrize(("row", "statuses", "earlier", "headers"), CASES, ids=[case[0] for case in CASES])
async def test_each_answer_is_judged_as_the_page_says(
    outbound: Outbound, row: str, statuses: list[int], earlier: Errand, headers: dict[str, str]
) -> None:
    (said,) = [cells[1:] for cells in table("answer") if cells[0] == row]
    for status in statuses:
        for word, ours in zip(said, (True, False), strict=True):
            outcome = await outcome_of(outbound, status, ours=ours, earlier=earlier, headers=headers)
            assert type(outcome) is OUTCOMES[word], (row, status, ours)


async def test_no_answer_and_no_connection_are_judged_as_the_page_says(outbound: Outbound) -> None:
    rows = {cells[0]: cells[1:] for cells in table("answer")}
    assert set(rows) - {case[0] for case in CASES} == {
        "none, or it broke off before its status",
        "no connection came about",
    }
    async with receiving(answering(200)) as gone:
        pass
    for at, ours in enumerate((True, False)):
        silent = await outcome_of(outbound, None, ours=ours, earlier=errand(), headers={})
        assert type(silent) is OUTCOMES[rows["none, or it broke off before its status"][at]]
        down = await webhook(outbound, gone.url, idempotent=ours).deliver(proposal(REFUND), errand())
        assert type(down) is OUTCOMES[rows["no connection came about"][at]]
