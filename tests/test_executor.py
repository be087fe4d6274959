"""The executor is the last gate before a call: it carries exactly what was approved, or nothing and says so."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.canonical import Json
from bot.domain.delivery import Delivered, Errand, Failed, Outcome
from bot.domain.lifecycle import State
from bot.domain.proposal import Action, Proposal, Reply, digest_of
from bot.executor import Executor
from bot.policy_file import load_policy
from bot.ports import Case
from tests.connectors.cases import errand, proposal
from tests.world import POLICY

NOT_WHAT_WAS_APPROVED = Failed(error="The content is not the one that was approved, so nothing was sent.")
APPROVED = proposal(Action(name="refund", args={"order": "A-17", "amount": 42.5}))


class Receiver:
    """A connector that remembers what it was handed."""

    def __init__(self) -> None:
        self.handed: list[Proposal] = []

    async def deliver(self, proposal: Proposal, errand: Errand) -> Outcome:
        self.handed.append(proposal)
        return Delivered(result="done")


async def carried(stands: Proposal, agreed: Json = APPROVED.digest) -> tuple[Outcome, list[Proposal]]:
    """How the errand of an approval ends while the case stands like this, and what the receiver was handed."""
    receiver = Receiver()
    executor = Executor({"webhook:payments": receiver, "webhook:elsewhere": receiver}, load_policy(POLICY))
    payload: dict[str, Json] = {"revision": 1, "digest": agreed}
    case = Case(proposal=stands, revisions=(stands.revision,), receipts=())
    return await executor.carry(replace(errand(), payload=payload), case), receiver.handed


async def test_what_was_approved_is_handed_over_as_it_is() -> None:
    assert await carried(APPROVED) == (Delivered(result="done"), [APPROVED])


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": replace(APPROVED.revision, content=Action(name="refund", args={"order": "A-17", "amount": 425}))},
        {"revision": replace(APPROVED.revision, content=Action(name="refund_all", args={"order": "A-17"}))},
        {"revision": replace(APPROVED.revision, content=Reply(text="Your refund is on its way."))},
        {"revision": replace(APPROVED.revision, number=2)},
        {"revision": replace(APPROVED.revision, digest="0" * 64)},
        {"recipient": "web:2"},
        {"connector": "webhook:elsewhere"},
    ],
    ids=["amount", "action", "kind", "revision", "digest", "recipient", "connector"],
)
async def test_what_was_altered_after_the_approval_is_not_carried_out(changes: dict[str, Any]) -> None:
    assert await carried(replace(APPROVED, **changes)) == (NOT_WHAT_WAS_APPROVED, [])


async def test_an_alteration_with_a_digest_made_to_fit_is_not_what_the_approval_asked_for() -> None:
    content = Action(name="refund", args={"order": "A-17", "amount": 4250})
    digest = digest_of(content, recipient=APPROVED.recipient, connector=APPROVED.connector, revision=1)
    altered = replace(APPROVED, revision=replace(APPROVED.revision, content=content, digest=digest))
    assert await carried(altered) == (NOT_WHAT_WAS_APPROVED, [])


@pytest.mark.parametrize("agreed", [None, "", "0" * 64, APPROVED.digest.upper()])
async def test_an_errand_of_another_approval_or_of_none_carries_nothing_out(agreed: Json) -> None:
    assert await carried(APPROVED, agreed) == (NOT_WHAT_WAS_APPROVED, [])


@pytest.mark.parametrize("state", [state for state in State if state is not State.APPROVED])
async def test_what_is_not_approved_any_more_is_not_carried_out(state: State) -> None:
    assert (await carried(replace(APPROVED, state=state)))[1] == []


async def test_an_errand_about_no_case_carries_nothing_out() -> None:
    receiver = Receiver()
    await Executor({"webhook:payments": receiver}, load_policy(POLICY)).carry(errand(), None)
    assert receiver.handed == []


async def test_a_connector_that_the_policy_has_no_more_is_named() -> None:
    moved = proposal(connector="webhook:gone")
    outcome, handed = await carried(moved, moved.digest)
    assert outcome == Failed(error="The policy has no connector webhook:gone any more.")
    assert handed == []
