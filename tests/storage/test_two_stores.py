"""Two stores on one file, as two replicas have: they share no writer thread, so the compare in the swap decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals import Approvals
from bot.audit_log import check_chain
from bot.clock import SystemClock
from bot.domain.authority import Person
from bot.domain.decision import Actor, Decision, DecisionKind, Seen
from bot.domain.errors import Conflict
from bot.domain.lifecycle import State
from bot.domain.proposal import Proposal, Reply
from bot.figures import Figures
from bot.moves import Moves
from bot.policy_file import load_policy
from bot.ports import Store, Tx
from tests.storage.builders import MARIA, a_proposal, a_store, submission
from tests.world import POLICY

BEN = Actor(kind="person", id="U0BEN", name="Ben")
RACERS = (MARIA, BEN)
ROUNDS = 24
CLOCK = SystemClock()


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores, each with connections, threads and a memory of its own."""
    made = a_store(tmp_path), a_store(tmp_path)
    yield made
    for store in made:
        await store.close()


async def put(store: Store, number: int) -> Proposal:
    """A case that waits for a day, written by this store and so remembered by it."""
    proposal = a_proposal(number, created_at=CLOCK.now(), expires_at=CLOCK.now() + timedelta(days=1))
    await store.transact(lambda tx: tx.add_proposal(proposal, submission(number)))
    return proposal


async def one_won(stores: tuple[Store, Store], case: Proposal, answers: Sequence[object]) -> None:
    """One of two racers won, the other was told so by name, and both stores see the winner's decision alone."""
    (winner,) = [who for who, answer in zip(RACERS, answers, strict=True) if isinstance(answer, Proposal)]
    (refusal,) = [answer for answer in answers if not isinstance(answer, Proposal)]
    assert isinstance(refusal, Conflict), refusal
    assert refusal.sentence.startswith(f"{winner.name} "), refusal.sentence
    for store in stores:
        stands = await store.read(lambda tx: tx.proposal(case.id))
        assert stands.decision is not None
        assert stands.decision.by == winner
        assert await store.read(lambda tx: tx.decisions(case.id)) == [stands.decision]
        assert await store.transact(lambda tx: tx.proposal(case.id)) == stands, "what the writer remembers is no other"
        events = await store.read(lambda tx: tx.audit_events(limit=10_000))
        assert [event.event.actor for event in events if event.event.proposal_id == case.id] == [winner]


async def race(works: Sequence[Awaitable[Proposal]], *, turned: bool) -> Sequence[object]:
    """What both come to; whoever is asked first wins more often, so they take turns."""
    order = -1 if turned else 1
    return (await asyncio.gather(*works[::order], return_exceptions=True))[::order]


async def test_of_two_moves_from_the_same_moment_one_is_made_and_the_other_is_told_who_won(
    stores: tuple[Store, Store],
) -> None:
    """Both have read the case before either writes: nothing but the swap stands between them."""
    moves = Moves(load_policy(POLICY), CLOCK)

    def reject(before: Proposal, by: Actor) -> Callable[[Tx], Proposal]:
        def work(tx: Tx) -> Proposal:
            decision = Decision(kind=DecisionKind.REJECTED, by=by, at=CLOCK.now(), revision=1)
            after = moves.moved(tx, before, state=State.CANCELLED, decision=decision)
            moves.audit(tx, "proposal.rejected", by, after, {})
            return after

        return work

    for number in range(1, ROUNDS + 1):
        case = await put(stores[number % 2], number)
        seen = [await store.read(lambda tx: tx.proposal(case.id)) for store in stores]  # noqa: B023 - awaited here
        assert seen == [case, case]
        works = [store.transact(reject(before, by)) for store, before, by in zip(stores, seen, RACERS, strict=True)]
        await one_won(stores, case, await race(works, turned=number % 3 == 0))
    assert await check_chain(stores[0]) == (ROUNDS, None)


async def test_two_bots_on_one_database_decide_each_case_once(stores: tuple[Store, Store]) -> None:
    """As people do it: each bot's own memory of the case may be out of date."""
    policy = load_policy(POLICY)
    one, other = (
        Approvals(store=store, policy=policy, clock=CLOCK, recipient_of=lambda _, talk: talk.id, figures=Figures())
        for store in stores
    )
    maria, ben = Person(actor=MARIA), Person(actor=BEN)
    marias: list[Callable[[Seen], Awaitable[Proposal]]] = [
        lambda seen: one.approve(seen, maria),
        lambda seen: one.edit(seen, Reply(text="Better words."), maria),
        lambda seen: one.escalate(seen, maria),
    ]
    for number in range(1, ROUNDS + 1):
        case = await put(stores[number % 2], number)
        works = [marias[number % 3](case.seen), other.reject(case.seen, ben)]
        await one_won(stores, case, await race(works, turned=number % 4 < 2))
    assert (await check_chain(stores[0]))[1] is None
