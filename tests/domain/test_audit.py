"""The audit chain: whatever is changed, removed, put elsewhere or cut off is shown, at the place where it happened."""

import hashlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.audit import GENESIS, AuditEvent, Event, Fault, chained, commitment, verify
from bot.domain.decision import Actor

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
payloads = st.dictionaries(texts, st.none() | st.booleans() | numbers | texts, max_size=3)
actors = st.builds(Actor, kind=st.sampled_from(["person", "agent", "rule", "system"]), id=texts, name=texts)
events = st.builds(Event, kind=texts, at=texts, actor=actors, proposal_id=st.none() | texts, payload=payloads)


def chain_of(made: list[Event]) -> list[AuditEvent]:
    """These events, one behind the other."""
    chain: list[AuditEvent] = []
    for event in made:
        chain.append(chained(len(chain) + 1, event, chain[-1].hash if chain else GENESIS))
    return chain


chains = st.lists(events, min_size=2, max_size=6).map(chain_of)


def noted(chain: list[AuditEvent]) -> tuple[int, str]:
    """What the ops channel was told of the end."""
    return chain[-1].seq, chain[-1].hash


@settings(max_examples=40)
@given(chains)
def test_an_untouched_chain_holds(chain: list[AuditEvent]) -> None:
    assert verify(chain) is None
    assert verify(chain, head=noted(chain)) is None


def test_an_empty_chain_holds() -> None:
    assert verify([]) is None


@settings(max_examples=40)
@given(chains, st.data())
def test_a_changed_event_is_shown(chain: list[AuditEvent], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    old = chain[at].event
    new = data.draw(events.filter(lambda event: event != old))
    touched = [*chain[:at], replace(chain[at], event=new), *chain[at + 1 :]]
    assert verify(touched) == Fault(at + 1, f"event {at + 1} was changed after it was written")


@settings(max_examples=40)
@given(chains, st.data(), st.sampled_from(["kind", "at", "proposal_id", "actor", "payload"]))
def test_each_single_field_is_covered(chain: list[AuditEvent], data: st.DataObject, field: str) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    event = chain[at].event
    changed = {
        "kind": replace(event, kind=event.kind + "x"),
        "at": replace(event, at=event.at + "x"),
        "proposal_id": replace(event, proposal_id=(event.proposal_id or "") + "x"),
        "actor": replace(event, actor=replace(event.actor, id=event.actor.id + "x")),
        "payload": replace(event, payload={**event.payload, "more": 1}),
    }[field]
    fault = verify([*chain[:at], replace(chain[at], event=changed), *chain[at + 1 :]])
    assert fault is not None
    assert fault.seq == at + 1


@settings(max_examples=40)
@given(chains, st.data())
def test_a_changed_event_with_a_hash_made_to_fit_is_shown_by_the_next(
    chain: list[AuditEvent], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(chain) - 2))
    new = data.draw(events.filter(lambda event: event != chain[at].event))
    touched = [*chain[:at], chained(at + 1, new, chain[at].previous), *chain[at + 1 :]]
    assert verify(touched) == Fault(at + 2, f"event {at + 2} does not follow the one before it")


@settings(max_examples=40)
@given(chains, st.data())
def test_a_removed_event_is_shown(chain: list[AuditEvent], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chain) - 2))
    assert verify([*chain[:at], *chain[at + 1 :]]) == Fault(at + 1, f"event {at + 1} is missing")


@settings(max_examples=40)
@given(chains, st.data())
def test_two_events_that_changed_places_are_shown(chain: list[AuditEvent], data: st.DataObject) -> None:
    one, other = sorted(data.draw(st.sets(st.integers(0, len(chain) - 1), min_size=2, max_size=2)))
    swapped = list(chain)
    swapped[one], swapped[other] = chain[other], chain[one]
    fault = verify(swapped)
    assert fault is not None
    assert fault.seq == one + 1
    renumbered = [replace(event, seq=place) for place, event in enumerate(swapped, start=1)]
    assert verify(renumbered) is not None


@settings(max_examples=40)
@given(chains, st.data())
def test_a_cut_tail_is_shown_by_the_head_that_was_noted(chain: list[AuditEvent], data: st.DataObject) -> None:
    left = data.draw(st.integers(0, len(chain) - 1))
    assert verify(chain[:left]) is None
    fault = verify(chain[:left], head=noted(chain))
    assert fault == Fault(left + 1, f"the chain ends at {left}, but {len(chain)} events had been noted")


@settings(max_examples=40)
@given(chains, events)
def test_a_chain_written_anew_is_shown_by_the_head_that_was_noted(chain: list[AuditEvent], event: Event) -> None:
    anew = chain_of([replace(event, kind="another"), *(written.event for written in chain[1:])])
    assert verify(anew) is None
    fault = verify(anew, head=noted(chain))
    if anew[-1].hash != chain[-1].hash:
        assert fault == Fault(len(chain), f"event {len(chain)} is not the one whose hash was noted")


FIRST = Event(
    kind="proposal.submitted",
    at="2026-03-01T12:00:00.000000Z",
    actor=Actor(kind="agent", id="shop-ai", name="shop-ai"),
    proposal_id="prp_1",
    payload={"state": "pending", "revision": 1, "confidence": 0.5, "reason": None},
)
SECOND = Event(
    kind="proposal.approved",
    at="2026-03-01T12:00:09.000000Z",
    actor=Actor(kind="person", id="U0MARIA", name="María"),
    proposal_id="prp_1",
    payload={"state": "approved", "enough": True},
)


def test_a_fixed_chain_has_the_hashes_that_were_written_down_once() -> None:
    """Chains of an earlier release have to hold for ever: a change of what is hashed would call all of them forged."""
    first, second = chain_of([FIRST, SECOND])
    by_hand = (
        '{"actor":{"id":"U0MARIA","kind":"person","name":"María"},"at":"2026-03-01T12:00:09.000000Z",'
        '"kind":"proposal.approved","payload":{"enough":true,"state":"approved"},'
        f'"previous":"{first.hash}","proposal_id":"prp_1","seq":2}}'
    )
    assert first.hash == "793b21cf49536a6c6cb26fef07cc0746046943355f5d33108c2cd3782a538794"
    assert second.hash == "46fc6a29287174528456aad4ec00007f27674c1eeb6df4f9025764f87b985c95"
    assert hashlib.sha256(by_hand.encode()).hexdigest() == second.hash


@given(events, st.integers(1, 1000), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_hash_covers_the_one_before_it_and_the_place(event: Event, seq: int, previous: str) -> None:
    made = chained(seq, event, previous)
    turned = previous[:-1] + ("0" if previous[-1] != "0" else "1")
    assert chained(seq, event, turned).hash != made.hash
    assert chained(seq + 1, event, previous).hash != made.hash


def relinked(chain: list[AuditEvent]) -> list[AuditEvent]:
    """What somebody with a pen would write: places and links made to fit anew, the hashes left as they stood."""
    fitting: list[AuditEvent] = []
    for place, written in enumerate(chain, start=1):
        fitting.append(replace(written, seq=place, previous=fitting[-1].hash if fitting else GENESIS))
    return fitting


@settings(max_examples=40)
@given(chains, st.data())
def test_a_removed_event_is_shown_even_where_all_was_relinked(chain: list[AuditEvent], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chain) - 2))
    touched = relinked([*chain[:at], *chain[at + 1 :]])
    assert verify(touched) == Fault(at + 1, f"event {at + 1} was changed after it was written")


@settings(max_examples=40)
@given(chains, st.data())
def test_events_that_changed_places_are_shown_even_where_all_was_relinked(
    chain: list[AuditEvent], data: st.DataObject
) -> None:
    one, other = sorted(data.draw(st.sets(st.integers(0, len(chain) - 1), min_size=2, max_size=2)))
    swapped = list(chain)
    swapped[one], swapped[other] = chain[other], chain[one]
    assert verify(relinked(swapped)) == Fault(one + 1, f"event {one + 1} was changed after it was written")


@settings(max_examples=40)
@given(chains, st.data())
def test_a_changed_event_with_its_own_hash_and_the_next_link_made_to_fit_is_shown_by_the_next_hash(
    chain: list[AuditEvent], data: st.DataObject
) -> None:
    """This is what the link inside the hash is for: without it, one forged row would need no other to be rewritten."""
    at = data.draw(st.integers(0, len(chain) - 2))
    forged = chained(at + 1, replace(chain[at].event, kind=chain[at].event.kind + "x"), chain[at].previous)
    touched = [*chain[:at], forged, replace(chain[at + 1], previous=forged.hash), *chain[at + 2 :]]
    assert verify(touched) == Fault(at + 2, f"event {at + 2} was changed after it was written")


def test_an_event_with_its_own_number_twice_is_shown() -> None:
    actor = Actor(kind="system", id="sayso", name="Sayso")
    chain = chain_of([Event(kind="k", at="t", actor=actor, proposal_id=None, payload={})] * 3)
    assert verify([chain[0], chain[1], chain[1], chain[2]]) == Fault(3, "event 3 is missing")


@given(texts, texts, texts)
def test_a_commitment_says_nothing_without_its_salt(salt: str, digest: str, other: str) -> None:
    made = commitment(salt, digest)
    assert len(made) == 64
    assert digest not in made or not digest.strip("0123456789abcdef")
    if other != salt:
        assert commitment(other, digest) != made or f"{other}:{digest}" == f"{salt}:{digest}"
