"""Random sequences of moves, through the use cases, against the real store: whatever happens, the laws hold."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.approvals import Approvals
from bot.audit_log import check_chain
from bot.domain.authority import Person
from bot.domain.decision import Actor, Seen
from bot.domain.delivery import Delivered, Errand, ErrandKind, Failed, Lost, Outcome, Postponed
from bot.domain.errors import SaysoError
from bot.domain.lifecycle import TRANSITIONS, WAITING, Move, State, step
from bot.domain.proposal import Action, Content, Conversation, Proposal, Reply, digest_of
from bot.executions import Executions
from bot.figures import Figures
from bot.policy_file import load_policy
from bot.ports import Tx
from bot.relay import Relay
from bot.right_of_way import RightOfWay
from bot.submission import Request
from tests.storage.builders import NOW, a_store
from tests.world import POLICY

UNDOABLE = '\n[categories.returns]\nmode = "suggest"\nundo_window = "30s"\n'
MARIA, BEN, OTTO, LENA, NORA = (
    Person(actor=Actor(kind="person", id=id_, name=name), groups=frozenset(groups))
    for id_, name, groups in (
        ("U0MARIA", "Maria", ()),
        ("U0BEN", "Ben", ()),
        ("U0OTHER", "Otto", ("S0SUPPORT",)),
        ("U0LEAD", "Lena", ()),
        ("U0NOBODY", "Nora", ()),
    )
)
PEOPLE = st.sampled_from([MARIA, MARIA, BEN, BEN, OTTO, LENA, NORA])
CONTENTS: st.SearchStrategy[Content] = st.sampled_from(
    [
        Reply(text="It was sent on Monday."),
        Reply(text="It was sent on Tuesday."),
        Action(name="refund", args={"amount": 20}),
        Action(name="refund", args={"amount": 200}),
        Action(name="close_account", args={"account": "A-17"}),
        Action(name="close_account", args={"account": "A-18"}),
    ]
)
OUTCOMES = st.sampled_from(
    [Delivered(result="done"), Failed(error="refused"), Lost(error="nobody knows"), Postponed(error="busy")]
)


def kind_of(content: Content) -> str:
    """What kind of thing it is, which no edit may change."""
    return "reply" if isinstance(content, Reply) else content.name


Draw = Callable[[st.SearchStrategy[Any]], Any]
RUNS = (State.APPROVED, State.EXECUTED, State.FAILED, State.IN_DOUBT)


def _nobody_is_told(tx: Tx, errand: Errand, error: str) -> None:
    """An errand that was given up: not what this is about."""


class CountingClock:
    """Implements `bot.ports.Clock` without chance, so that whatever fails fails again."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self._count = 0

    def now(self) -> datetime:
        return NOW + self.ahead

    def new_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count:028d}"

    def draw(self) -> float:
        return 0.5

    def salt(self) -> str:
        return "5" * 32


class Moves(RuleBasedStateMachine):
    """Agents, people, the clock and the relay take turns in any order."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.runner.get_loop()
        self.clock = CountingClock()
        self.store = a_store(Path(self.folder.name))
        policy = load_policy(POLICY + UNDOABLE)
        self.approvals = Approvals(
            store=self.store, policy=policy, clock=self.clock, recipient_of=lambda _, talk: talk.id, figures=Figures()
        )
        self.executions = Executions(store=self.store, policy=policy, clock=self.clock)
        self.relay = Relay(
            store=self.store,
            clock=self.clock,
            way=RightOfWay(),
            couriers={},
            stands=self.executions.stands,
            record=self.executions.record,
            logged=self.executions.logged,
            delayed=self.executions.delay,
            buried=_nobody_is_told,
            sweep=self.approvals.expire,
            attempts=3,
            owner="test",
        )
        self.ids: list[str] = []
        self.seen: list[Seen] = []
        self.called: dict[str, str] = {}  # the one key of each execution that may have arrived
        for _ in range(3):
            self.submit(data.draw)
        self.outside = sqlite3.connect(Path(self.folder.name) / "sayso.db")

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        self.outside.close()
        fault = self.run(check_chain(self.store))[1]
        self.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()
        assert fault is None

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def now(self, proposal_id: str) -> Proposal:
        found: Proposal = self.run(self.store.read(lambda tx: tx.proposal(proposal_id)))
        # What the writer remembers is what stands in the database.
        assert self.run(self.store.transact(lambda tx: tx.proposal(proposal_id))) == found
        return found

    def refusal_of(self, work: Any) -> str | None:
        """The sentence with which this was refused, or None."""
        try:
            self.run(work)
        except SaysoError as refusal:
            return refusal.sentence
        return None

    def try_move(self, proposal_id: str, move: Move, work: Any, *, stays: bool = False) -> None:
        """The move either follows the table, or is refused with a sentence and changes nothing."""
        before = self.now(proposal_id)
        refusal = self.refusal_of(work)
        after = self.now(proposal_id)
        if refusal is not None:
            assert refusal.endswith(".")
            assert after == before
            return
        if stays and after.state is before.state:
            assert after.version >= before.version
            return
        event(f"{before.state} {move}")
        expected = step(before.state, move, back=before.undone_to)
        if move is Move.UNDO and expected in WAITING and before.expires_at <= self.clock.now():
            expected = State.EXPIRED  # its time was over while it was approved
        assert after.state is expected
        assert after.version > before.version
        assert after.turn == before.turn + (move in (Move.UNDO, Move.RETRY))

    @rule(data=st.data())
    def turn(self, data: st.DataObject) -> None:
        """Whose turn it is; one rule, because Hypothesis would leave whole rules out of most of its runs."""
        turns = [self.somebody_moves] * 9 + [self.submit] * 2 + [self.carry] * 3
        turns += [self.time_passes, self.sweep, self.nobody_approves_what_was_never_shown, self.another_agent_withdraws]
        data.draw(st.sampled_from(turns))(data.draw)

    # agents

    def submit(self, draw: Draw) -> None:
        category = draw(st.sampled_from(["refunds", "returns", "orders", "legal", "unheard_of"]))
        request = Request(
            agent="shop-ai",
            owner="U0BEN" if category == "unheard_of" else None,
            key=f"key-{len(self.ids)}",
            body_hash="0" * 64,
            category=category,
            conversation=Conversation(id=f"conv-{len(self.ids) % 3}"),
            content=draw(CONTENTS),
            confidence=draw(st.sampled_from([0.95, 0.5, None])),
            in_scope=True,
            expires_in=draw(st.sampled_from([None, timedelta(minutes=5)])),
        )
        proposal, new = self.run(self.approvals.submit(request))
        again, anew = self.run(self.approvals.submit(request))
        assert (new, anew, again.id) == (True, False, proposal.id)
        self.ids.append(proposal.id)

    def another_agent_withdraws(self, draw: Draw) -> None:
        case = draw(st.sampled_from(self.ids))
        before = self.now(case)
        assert self.refusal_of(self.approvals.withdraw(case, "another-ai"))
        assert self.now(case) == before

    # people: most know what they do, some click on what they saw long ago, some on what is not there any more

    def somebody_moves(self, draw: Draw) -> None:
        cases = [self.now(case) for case in self.ids]
        proposal = draw(st.sampled_from([case for case in cases if not case.closed] * 5 + cases))
        fitting = [move for move in TRANSITIONS[proposal.state] if move in self.moves()]
        wild = not fitting or draw(st.integers(0, 5)) == 0
        move = draw(st.sampled_from(list(self.moves()) if wild else fitting))
        alike = CONTENTS.filter(lambda other: kind_of(other) == kind_of(proposal.content))
        person, content = draw(PEOPLE), draw(CONTENTS if wild else alike)
        fresh = replace(proposal.seen, state=draw(st.sampled_from([None, proposal.state])))
        self.seen.append(fresh)
        seen = draw(st.sampled_from(self.seen)) if draw(st.integers(0, 9)) == 0 else fresh
        work, before = self.moves()[move](seen, person, content), self.now(seen.proposal_id)
        self.try_move(seen.proposal_id, move, work, stays=move in (Move.APPROVE, Move.EDIT, Move.WITHDRAW))
        if seen.turn != before.turn and move is not Move.WITHDRAW:
            event("a button of an earlier turn")
            assert self.now(seen.proposal_id) == before

    def moves(self) -> dict[Move, Callable[[Seen, Person, Content], Any]]:
        """How a person, or the agent, makes each of its moves."""
        do = self.approvals
        return {
            Move.APPROVE: lambda seen, person, _: do.approve(seen, person),
            Move.EDIT: lambda seen, person, content: do.edit(seen, content, person, reason="better"),
            Move.ESCALATE: lambda seen, person, _: do.escalate(seen, person),
            Move.REJECT: lambda seen, person, _: do.reject(seen, person, reason="no"),
            Move.TAKE_OVER: lambda seen, person, _: do.take_over(seen, person),
            Move.UNDO: lambda seen, person, _: do.undo(seen, person),
            Move.RETRY: lambda seen, person, _: self.executions.retry(seen, person),
            Move.CONFIRM: lambda seen, person, _: self.executions.confirm(seen, person),
            Move.WITHDRAW: lambda seen, _, __: do.withdraw(seen.proposal_id, "shop-ai"),
        }

    def nobody_approves_what_was_never_shown(self, draw: Draw) -> None:
        if not self.seen:
            return
        seen, person = draw(st.sampled_from(self.seen)), draw(PEOPLE)
        forged = replace(seen, digest=seen.digest[::-1])
        before = self.now(seen.proposal_id)
        assert self.refusal_of(self.approvals.approve(forged, person))
        assert self.now(seen.proposal_id) == before

    # the clock and the relay

    def time_passes(self, draw: Draw) -> None:
        self.clock.ahead += timedelta(seconds=draw(st.sampled_from([31, 31, 31, 360, 172_800])))

    def sweep(self, draw: Draw) -> None:
        before = {case: self.now(case) for case in self.ids}
        self.run(self.approvals.expire())
        for case, was in before.items():
            after = self.now(case)
            if after.state is not was.state:
                assert after.state is step(was.state, Move.EXPIRE)
                assert was.expires_at <= self.clock.now()

    def carry(self, draw: Draw) -> None:
        outcome = draw(OUTCOMES)
        leased = self.run(self.store.transact(self.relay._lease)).leased
        for item in leased:
            own: Outcome = outcome if item.errand.kind is ErrandKind.EXECUTE else Delivered()
            before = self.now(item.errand.proposal_id or self.ids[0])
            self.run(self.store.transact(lambda tx: self.relay._settle(tx, item.errand, own)))  # noqa: B023 - awaited here
            if item.errand.kind is ErrandKind.EXECUTE:
                event(f"carried: {type(own).__name__}")
                assert item.case is not None
                assert item.errand.payload["digest"] == before.digest
                assert self.called.setdefault(before.id, item.errand.id) == item.errand.id
                if isinstance(own, Failed) and not item.errand.tried_before:
                    del self.called[before.id]  # it certainly did not arrive, so the next call is a new one
                assert self.now(before.id).state in RUNS

    # the laws

    @invariant()
    def what_is_approved_has_one_open_execution_and_nothing_else_has_any(self) -> None:
        if not hasattr(self, "store"):
            return
        query = "SELECT proposal_id, count(*) FROM outbox WHERE kind = 'execute' AND state <> 'dead' GROUP BY 1"
        waiting = dict(self.outside.execute(query).fetchall())
        approved = {case: 1 for case in self.ids if self.now(case).state is State.APPROVED}
        assert waiting == approved

    @invariant()
    def revisions_are_contiguous_and_the_last_one_stands(self) -> None:
        for case in getattr(self, "ids", []):
            proposal = self.now(case)
            revisions = self.run(self.store.read(lambda tx: tx.revisions(case)))  # noqa: B023 - awaited here
            assert [revision.number for revision in revisions] == list(range(1, len(revisions) + 1))
            assert revisions[-1] == proposal.revision
            for revision in revisions:
                digest = digest_of(
                    revision.content,
                    recipient=proposal.recipient,
                    connector=proposal.connector,
                    revision=revision.number,
                )
                assert revision.digest == digest

    @invariant()
    def whoever_decided_is_written_down(self) -> None:
        for case in getattr(self, "ids", []):
            proposal = self.now(case)
            assert proposal.state in TRANSITIONS
            if proposal.state in RUNS or proposal.closed:
                assert proposal.decision is not None
                decisions = self.run(self.store.read(lambda tx: tx.decisions(case)))  # noqa: B023 - awaited here
                assert decisions[-1] == proposal.decision
            if proposal.state in RUNS and proposal.decision and proposal.decision.by.kind == "person":
                people = {actor.id for actor in proposal.approvals}
                assert len(people) >= proposal.ruling.approvals_needed
                assert proposal.decision.by.id in people


TestMoves = Moves.TestCase
TestMoves.settings = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
