"""A bot that runs does not go through all that its start has made, again and again."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.journeys.props import empty_slack
from tests.world import BOT_TOKEN, POLICY, SIGNING_SECRET

ROOT = Path(__file__).parents[1]
PROGRAM = """
import gc, os, signal, sys
from bot.cli import main
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, told()))
told = lambda: f"{gc.isenabled()} {gc.get_freeze_count()} {len(gc.get_objects())}\\n".encode()
sys.argv[1:] = ["serve"]
main()
"""


async def looked_at(**environ: str) -> tuple[bool, int, int]:
    """Of a `sayso serve` that is up: whether it looks for garbage, how many objects it spares, and among how many."""
    bare = {"PATH": os.environ["PATH"], "SAYSO_PORT": "0", "SAYSO_LOG_LEVEL": "ERROR"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, cwd=ROOT, env=bare | environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        first = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert "http://" in first
        process.send_signal(signal.SIGUSR1)
        while not (line := (await asyncio.wait_for(process.stdout.readline(), 10)).decode()).startswith(
            ("True", "False")
        ):
            assert line
        enabled, spared, among = line.split()
        return enabled == "True", int(spared), int(among)
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 10)


async def at_a_workspace(folder: Path) -> tuple[bool, int, int]:
    """As for a real team, with tokens and a policy."""
    (folder / "policy.toml").write_text(POLICY)
    async with empty_slack() as slack:
        return await looked_at(
            SLACK_BOT_TOKEN=BOT_TOKEN,
            SLACK_SIGNING_SECRET=SIGNING_SECRET,
            SLACK_API_URL=slack.api_url,
            SAYSO_DATABASE_URL=f"sqlite:///{folder / 'sayso.db'}",
            SAYSO_POLICY=str(folder / "policy.toml"),
        )


@pytest.mark.parametrize("where", ["a workspace", "the sample shop"])
async def test_once_it_is_up_it_looks_for_garbage_but_not_among_what_stays(where: str, tmp_path: Path) -> None:
    state = await (at_a_workspace(tmp_path) if where == "a workspace" else looked_at())
    enabled, spared, among = state
    assert enabled
    assert spared > 10 * among > 0
