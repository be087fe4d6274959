"""A proposal as agents see it: in answers of the HTTP interface and in callbacks."""

from collections.abc import Mapping

from bot.domain.canonical import Json
from bot.domain.decision import Actor
from bot.domain.lifecycle import State
from bot.domain.moment import text_of_time
from bot.domain.proposal import Content, Proposal

RUNS = frozenset({State.APPROVED, State.EXECUTED, State.FAILED, State.IN_DOUBT})


def resource(proposal: Proposal) -> dict[str, Json]:
    """The resource of DESIGN §6; `final` is what runs or ran, and null before a decision and after a cancellation."""
    return filled(outline(proposal), proposal.content)


def filled(stood: Mapping[str, Json], content: Content) -> dict[str, Json]:
    """The resource of an outline; `content` is that of the outline's revision."""
    final: Json = {str(stood["kind"]): content.canonical()} if stood["state"] in RUNS else None
    return {**stood, "final": final}


def outline(proposal: Proposal) -> dict[str, Json]:
    """The resource without its content, which may be long and is kept with its revision anyway."""
    ruling, decision, execution = proposal.ruling, proposal.decision, proposal.execution
    return {
        "id": proposal.id,
        "state": proposal.state.value,
        "revision": proposal.revision.number,
        "digest": proposal.digest,
        "kind": proposal.kind,
        "category": proposal.category,
        "confidence": proposal.confidence,
        "connector": proposal.connector,
        "ruling": {
            "verdict": ruling.verdict.value,
            "rule": ruling.rule,
            "reason": ruling.reason,
            "threshold": ruling.threshold,
            "audited": ruling.audited,
        },
        "decision": None
        if decision is None
        else {
            "kind": decision.kind.value,
            "by": _person(decision.by),
            "at": text_of_time(decision.at),
            "reason": decision.reason,
            "edited_by": _person(proposal.edited_by),
        },
        "final": None,
        "execution": None
        if execution is None
        else {"status": execution.status, "result": execution.result, "error": execution.error},
        "created_at": text_of_time(proposal.created_at),
        "expires_at": text_of_time(proposal.expires_at),
        "closed": proposal.closed,
    }


def _person(actor: Actor | None) -> Json:
    return None if actor is None else {"id": actor.id, "name": actor.name}
