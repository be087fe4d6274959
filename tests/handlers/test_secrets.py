"""Secrets that somebody wrote are masked in every place that a channel or a window shows, not only in the draft."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.decision import Decision, DecisionKind
from bot.domain.lifecycle import State
from bot.domain.proposal import Action, Evidence, Execution, Proposal, Reply
from bot.errands import summary
from bot.slack import ids
from bot.slack.blocks import one_line
from bot.slack.cards import card
from bot.slack.full_case import full_case
from bot.slack.lists import queue
from bot.slack.notices import log_lines, notice
from bot.slack.read_modal import read_modal
from bot.slack.reject_modal import reject_modal
from tests.handlers.nasty import MARIA, NOW, action, case, edited, everywhere, proposal, read, story, walk

SECRETS = {
    "card number": "4242 4242 4242 4242",
    "IBAN": "DE89370400440532013000",
    "key": "sk-proj-abcDEF1234567890abcdef",
    "token": "xoxb-123456789012-abcdefABCDEF",
    "password": "hunter2go",
}


def spread(secret: str) -> Proposal:
    """A case with this secret in all that an agent, a customer, a policy's condition or a reviewer may have written."""
    text = f"My password: {secret}" if secret == "hunter2go" else f"It is {secret}, thanks."
    decision = Decision(kind=DecisionKind.REJECTED, by=MARIA, at=NOW, revision=1, reason=text)
    made = everywhere(text)
    return replace(
        made,
        evidence=(Evidence(title=text, quote=text),) * 2,
        ruling=replace(made.ruling, reason=text),
        decision=decision,
        execution=Execution(status="failed", error=text, result={"said": text}),
    )


def shown(made: Proposal) -> dict[str, Any]:
    """Everything that shows a case, in every state that it may have; the texts of notifications too."""
    places: dict[str, Any] = {}
    doing = replace(made, revision=replace(made.revision, content=action(made.conversation.last_customer_text)))
    for state in State:
        for room in ("review", "escalation", "ops"):
            for kind, one in (("reply", made), ("action", doing)):
                painted = card(case(replace(one, state=state)), room)
                places[f"{kind} {state} {room}"] = [*painted.blocks, {"text": painted.text}]
        lines = log_lines([replace(one, state=state) for one in (made, doing)])
        places[f"log {state}"] = [*lines.blocks, {"text": lines.text}]
    said = {"label": "Proposed", "text": made.conversation.last_customer_text}
    told = notice({"title": "A case was escalated.", "lines": [said]})
    return places | {
        "notice": [*told.blocks, {"text": told.text}],
        "full case": full_case(story(made), ""),
        "full case of an action": full_case(story(doing), ""),
        "read": read_modal(replace(made, revision=proposal("Fine.").revision), ""),
        "reject": reject_modal(made, ""),
        "queue": queue([made, doing], 2, None),
    }


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_readable_nowhere(secret: str) -> None:
    # Only two windows hold it, for whoever opens them: Edit's field, else it would go out masked, and Read and approve.
    assert [place for place, blocks in shown(spread(secret)).items() if secret in read(blocks)] == []


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("kind", ["reply", "action"])
def test_what_is_masked_is_read_in_full_before_it_is_approved(secret: str, kind: str) -> None:
    """Else words could be hidden from whoever approves by looking like a secret, and go out all the same."""
    text = f"Our password: {secret}"
    made = proposal(Reply(text=text) if kind == "reply" else Action(name="payout", args={"to": text}))
    blocks = card(case(made), "review").blocks
    assert secret not in read(blocks)
    assert "Some of it is masked here. Read and approve shows all of it." in read(blocks)
    offered = {found.get("action_id") for found in walk(blocks)}
    assert ids.READ in offered
    assert ids.APPROVE not in offered
    assert secret in read(read_modal(made, "")["blocks"])
    window = full_case(story(made), "", approvable=True)
    assert secret not in read(window["blocks"])
    assert window.get("submit") is None, "what it does not show is not approved in it"


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_that_came_or_went_with_an_edit_is_readable_nowhere(secret: str) -> None:
    held, bare = f"Your password: {secret}", "You have none."
    for before, after in ((held, bare), (bare, held), (held, f"{held} Bye.")):
        reply = edited(proposal(before), Reply(text=after))
        deed = edited(proposal(Action(name="refund", args={"why": before})), Action(name="refund", args={"why": after}))
        for made, first in (reply, deed):
            for blocks in (card(case(made, first), "review").blocks, full_case(story(made, first), "")["blocks"]):
                assert secret not in read(blocks), (before, after)


def test_a_secret_on_the_edge_of_what_is_read_is_masked_all_the_same() -> None:
    """Blanks that a line leaves out bring into sight what stands far behind."""
    for blanks in range(1_100, 4_100, 3):
        text = f"Order 7{' ' * blanks}4242 4242 4242 4242 and{' more' * 2_000}."
        for line in (summary(proposal(Reply(text=text))), *(one_line(text, limit) for limit in (40, 120, 300))):
            assert "4242 4" not in line, (blanks, line)
