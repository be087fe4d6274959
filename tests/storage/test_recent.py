"""What the writer remembers from one transaction to the next, and when it must forget it."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

import storage.sqlite
from bot.domain.audit import verify
from bot.domain.lifecycle import State
from bot.domain.proposal import Message, Proposal, Reply
from bot.domain.threshold import SettingChange
from bot.ports import Store, Token, Tx
from storage.named import QUERIES
from storage.recent import HEAVIEST, KEPT, READS, WRITES, Recent
from storage.rows import Row
from tests.storage.builders import MARIA, NOW, a_proposal, a_store, an_event, submission


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A fresh store."""
    made = a_store(tmp_path)
    yield made
    await made.close()


def a_setting(threshold: float) -> SettingChange:
    return SettingChange(category="orders", mode=None, threshold=threshold, by=MARIA, at=NOW, reason=None)


async def test_a_move_that_was_undone_is_not_remembered(store: Store) -> None:
    proposal = a_proposal()
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))

    def fail(tx: Tx) -> None:
        assert tx.swap(proposal, replace(proposal, state=State.CANCELLED, version=2))
        assert tx.proposal(proposal.id).state is State.CANCELLED
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(fail)
    assert await store.transact(lambda tx: tx.proposal(proposal.id)) == proposal
    escalated = replace(proposal, state=State.ESCALATED, version=2)
    assert await store.transact(lambda tx: tx.swap(proposal, escalated))
    assert await store.transact(lambda tx: tx.proposal(proposal.id)) == escalated


async def test_what_another_process_moved_is_read_again(store: Store, tmp_path: Path) -> None:
    proposal = a_proposal()
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))
    assert await store.transact(lambda tx: tx.proposal(proposal.id)) == proposal
    moved = replace(proposal, state=State.CANCELLED, version=2)
    other = a_store(tmp_path)
    await other.transact(lambda tx: tx.swap(proposal, moved))
    await other.close()
    assert await store.transact(lambda tx: tx.proposal(proposal.id)) == moved


async def test_a_setting_and_a_token_that_another_process_changed_are_read_again(store: Store, tmp_path: Path) -> None:
    def seen(tx: Tx) -> tuple[list[SettingChange], Token | None]:
        return tx.setting_history("orders"), tx.token("hash")

    token = Token(id="tok_1", name="shop-ai", prefix="sayso_1", hash="hash", scope="propose", created_at=NOW)
    await store.transact(lambda tx: tx.add_token(token))
    assert await store.transact(seen) == ([], token)
    other = a_store(tmp_path)
    await other.transact(lambda tx: tx.change_setting(a_setting(0.9)))
    await other.transact(lambda tx: tx.revoke_token(token.name, NOW))
    await other.close()
    changes, revoked = await store.transact(seen)
    assert [change.threshold for change in changes] == [0.9]
    assert revoked and revoked.revoked_at == NOW


async def test_a_setting_that_was_undone_is_not_remembered(store: Store) -> None:
    def fail(tx: Tx) -> None:
        tx.change_setting(a_setting(0.9))
        assert tx.setting_history("orders")
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(fail)
    assert await store.transact(lambda tx: tx.setting_history("orders")) == []
    await store.transact(lambda tx: tx.change_setting(a_setting(0.9)))
    assert len(await store.transact(lambda tx: tx.setting_history("orders"))) == 1


async def test_the_chain_goes_on_behind_what_was_undone_and_what_another_process_wrote(
    store: Store, tmp_path: Path
) -> None:
    def write(tx: Tx) -> None:
        tx.audit(an_event(1))

    def fail(tx: Tx) -> None:
        write(tx)
        raise LookupError

    await store.transact(write)
    with pytest.raises(LookupError):
        await store.transact(fail)
    await store.transact(write)
    other = a_store(tmp_path)
    await other.transact(write)
    await other.close()
    await store.transact(write)
    events = await store.read(lambda tx: tx.audit_events())
    assert len(events) == 4 and verify(events) is None


def test_the_memory_is_bounded() -> None:
    recent = Recent()
    many = [a_proposal(number) for number in range(KEPT + 5)]
    for proposal in many:
        recent.remember(proposal, "salt")
    assert [recent.of(p.id) == (p, "salt") for p in many] == [number >= 5 for number in range(KEPT + 5)]
    asked: list[int] = []

    def ask(name: str, parameters: dict[str, int]) -> list[Row]:
        asked.append(parameters["hash"])
        return []

    run = recent.through(ask)
    for number in [*range(KEPT + 5), KEPT + 4, 0]:
        run("token", {"hash": number})
    assert asked == [*range(KEPT + 5), 0]


def test_every_query_that_changes_a_remembered_table_is_known_to_do_so() -> None:
    changing = {
        name: found[1]
        for name, text in QUERIES.items()
        if (found := re.search(r"\b(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+(\w+)", text))
        and found[1] in READS.values()
    }
    assert changing == WRITES
    for name, table in READS.items():
        assert set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", QUERIES[name])) == {table}


@pytest.mark.parametrize("heavy", ["conversation", "customer", "reply"])
async def test_what_is_heavy_is_never_remembered(store: Store, heavy: str) -> None:
    text, plain = "x" * (HEAVIEST + 1), a_proposal()
    talk = plain.conversation
    proposal = {
        "conversation": replace(plain, conversation=replace(talk, messages=(Message(role="customer", text=text),))),
        "customer": replace(plain, conversation=replace(talk, customer={"name": text})),
        "reply": replace(plain, revision=replace(plain.revision, content=Reply(text=text))),
    }[heavy]
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))
    moved = replace(proposal, state=State.ESCALATED, version=2)

    def move(tx: Tx) -> Proposal:
        found = tx.proposal(proposal.id)
        assert tx.swap(found, moved)
        return found

    assert await store.transact(move) == proposal
    assert isinstance(store, storage.sqlite.SqliteStore)
    assert store._recent.of(proposal.id) is None
    assert await store.transact(lambda tx: tx.proposal(proposal.id)) == moved
