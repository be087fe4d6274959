"""The head of the audit chain is noted outside the database, once a day."""

from pathlib import Path

from bot.audit_log import check_chain, note_head
from tests.world import World


async def test_the_ops_channel_hears_the_head_of_the_audit_log_once_a_day(world: World, tmp_path: Path) -> None:
    proposed = await world.propose()
    await world.card(proposed["id"])
    notice = await world.message("C0OPS", "The audit log today")
    clock = world.sayso.approvals._clock
    assert not await note_head(world.sayso.store, world.sayso.policy, clock)
    text = str(notice.blocks)
    head = next(part for part in text.split("'") if part.count(":") == 1 and len(part.split(":")[1]) == 64)
    seq, digest = head.split(":")
    assert (await check_chain(world.sayso.store, (int(seq), digest)))[1] is None
    fault = (await check_chain(world.sayso.store, (int(seq), "0" * 64)))[1]
    assert fault is not None
