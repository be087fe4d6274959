"""The speed of the spine, beside a bare Bolt app and a bare durable commit in the same run.

Two processes: the bot on one core, the driver with the local Slack on the other. Loads are bounded.
"""

import asyncio
import gc
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.local_slack import LocalSlack
from bot.slack import ids
from tests.benchmarks.recorder import Record, recorder
from tests.world import BOT_TOKEN, POLICY, SIGNING_SECRET, people, reply

CHANNELS = 16
"""Review channels, and as many of customers: the relay's lanes, of which it serves 32 at once."""
CLICKS = 1500
CYCLES = 4000
TURNS = 4
IN_FLIGHT = 64
"""So many that neither side waits for the other; with 32 the rate was 6 % lower, with 48 the same."""


@dataclass(frozen=True)
class Clicks:
    """Seconds of clicks, ours and those of bare Bolt: the middle, and the 95th percentile."""

    median: float
    slow: float
    bare_median: float
    bare_slow: float

    @classmethod
    def of(cls, ours: list[float], bare: list[float]) -> "Clicks":
        """From all that was measured."""
        slow, bare_slow = (statistics.quantiles(seconds, n=20)[-1] for seconds in (ours, bare))
        return cls(statistics.median(ours), slow, statistics.median(bare), bare_slow)


@dataclass(frozen=True)
class Cycles:
    """Cycles a second, ours and the bare app's; the share of the processors that the host gave away while ours ran."""

    ours: float
    bare: float
    stolen: float


@dataclass(frozen=True)
class Bot:
    """An app in its own process, ours or the bare one; `ready_after` is in seconds."""

    url: str
    pid: int
    token: str = ""
    ready_after: float = 0.0


def policy() -> str:
    """The tests' policy with a category, and so a review channel, for each lane."""
    tables = [f'[categories.desk{n}]\nmode = "suggest"\nchannel = "C0DESK{n}"\n' for n in range(CHANNELS)]
    return f"{POLICY}\n[limits]\nper_minute = 1000000\npending = 100000\n" + "\n".join(tables)


@asynccontextmanager
async def bot_process(slack: LocalSlack, folder: Path) -> AsyncIterator[Bot]:
    """Start `sayso serve` as anybody would, and wait until it says that it is ready."""
    (folder / "policy.toml").write_text(policy())
    environ = {
        **os.environ,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": slack.api_url,
        "SAYSO_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
        "SAYSO_POLICY": str(folder / "policy.toml"),
        "SAYSO_PORT": "0",
        "SAYSO_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "bot"]
    token = subprocess.run(
        [*command, "tokens", "create", "bench", "--scope", "propose"],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, "serve", env=environ, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        line = (await process.stdout.readline()).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        slack.connect_bot(f"{found[0]}/slack/events")
        yield Bot(found[0], process.pid, token, time.perf_counter() - begun)
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def bare_bolt(slack: LocalSlack) -> AsyncIterator[Bot]:
    """The reference app."""
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.bare_bolt",
        env={**os.environ, "SLACK_API_URL": slack.api_url},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        url = (await process.stdout.readline()).decode().strip()
        yield Bot(url, process.pid, ready_after=time.perf_counter() - begun)
    finally:
        process.terminate()
        await process.wait()


async def post_signed(http: aiohttp.ClientSession, url: str, body: bytes) -> float:
    """Deliver as Slack does; seconds until the acknowledgement."""
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=timestamp, body=body)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(signature),
    }
    begun = time.perf_counter()
    async with http.post(f"{url}/slack/events", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    return time.perf_counter() - begun


async def submit(http: aiohttp.ClientSession, bot: Bot, number: int, **changes: Any) -> dict[str, Any]:
    """Propose a reply."""
    headers = {"Authorization": f"Bearer {bot.token}", "Idempotency-Key": f"bench-{number}"}
    body = reply(category=f"desk{number % CHANNELS}", **changes)
    async with http.post(f"{bot.url}/v1/proposals", json=body, headers=headers) as answer:
        document: dict[str, Any] = await answer.json()
        assert answer.status == 201, document
        return document


def spare_the_driver() -> None:
    """Let Python's collector in this process leave out what is there already.

    The local Slack remembers every message, so a full look here took up to 0.35 s: a pause of the driver's, no one's
    speed. The apps that are measured collect as they do for anybody.
    """
    gc.collect()
    gc.freeze()


async def spread(work: list[Callable[[], Awaitable[float]]], workers: int) -> list[float]:
    """Run the work on so many connections at once."""
    queue = list(reversed(work))
    seconds: list[float] = []

    async def worker() -> None:
        while queue:
            seconds.append(await queue.pop()())

    await asyncio.gather(*(worker() for _ in range(workers)))
    return seconds


async def clicks(
    http: aiohttp.ClientSession, slack: LocalSlack, bot: Bot, bare: Bot, record: Record, workers: int, first: int
) -> Clicks:
    """Clicks of ours and of bare Bolt, interleaved in batches."""
    root = (await slack.person("U0MARIA").say("C0CUSTOMERS0", "Where is it?")).ts
    talk = {"id": f"slack:C0CUSTOMERS0:{root}", "messages": [{"role": "customer", "text": "Where is it?"}]}
    ours: list[float] = []
    reference: list[float] = []
    per_batch = CLICKS // 5
    for batch in range(5):
        start = first + batch * per_batch
        for number in range(start, start + per_batch):
            await submit(http, bot, number, conversation=talk, connector="slack_thread")
        await asyncio.sleep(1.5)  # let the cards out first: what is measured is the click
        bodies = await record("U0MARIA", (f"C0DESK{n}" for n in range(CHANNELS)))
        assert len(bodies) == per_batch
        spare_the_driver()
        # The reference first: behind ours it would run beside the repaints that our clicks have caused.
        reference += await spread([partial(post_signed, http, bare.url, body) for body in bodies], workers)
        ours += await spread([partial(post_signed, http, bot.url, body) for body in bodies], workers)
        await asyncio.sleep(1.5)
    return Clicks.of(ours, reference)


def durable_commit(folder: Path) -> float:
    """Median seconds of one insert with a commit of its own: WAL, synchronous=FULL."""
    connection = sqlite3.connect(folder / "commit.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    seconds = []
    for _ in range(1000):
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (body) VALUES (?)", ("x" * 500,))
        connection.execute("COMMIT")
        seconds.append(time.perf_counter() - begun)
    connection.close()
    return statistics.median(seconds)


def processor_time() -> tuple[int, int]:
    """What the machine's host has given to others so far, and all there was, in ticks; zeros where none says so."""
    if not (counters := Path("/proc/stat")).exists():
        return 0, 0
    ticks = [int(field) for field in counters.read_text().partition("\n")[0].split()[1:9]]  # steal is the last
    return ticks[-1], sum(ticks)


def says(mark: str, message: Any) -> bool:
    """Whether a message shows these words."""
    return mark in str(message.blocks)


async def submit_to_card(http: aiohttp.ClientSession, slack: LocalSlack, bot: Bot, first: int) -> float:
    """Median seconds from the agent's request to the card at Slack."""
    spare_the_driver()
    seconds = []
    for number in range(first, first + 200):
        channel = f"C0DESK{number % CHANNELS}"
        mark = f"mark-{number}-end"
        marked = partial(says, mark)
        card = asyncio.ensure_future(slack.wait_for_message(channel, marked, 10, fresh=True))
        await asyncio.sleep(0)
        begun = time.perf_counter()
        await submit(http, bot, number, reply={"text": mark})
        await card
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


async def full_cycles(http: aiohttp.ClientSession, slack: LocalSlack, bot: Bot, bare: Bot) -> Cycles:
    """Cycles of ours and of the bare app, in turns: whatever slows the machine slows both."""
    seconds = dict.fromkeys((bot.url, bare.url), 0.0)
    stolen = ticks = 0
    for turn in range(TURNS):
        for app in (bare, bot):
            slack.connect_bot(f"{app.url}/slack/events")
            before = processor_time()
            seconds[app.url] += await cycles(http, slack, app, 300_000 + turn * 10_000)
            after = processor_time()
        stolen, ticks = stolen + after[0] - before[0], ticks + after[1] - before[1]  # of our turn, which is the last
    slack.connect_bot(f"{bot.url}/slack/events")
    return Cycles(CYCLES / seconds[bot.url], CYCLES / seconds[bare.url], stolen / max(ticks, 1))


async def cycles(http: aiohttp.ClientSession, slack: LocalSlack, bot: Bot, first: int) -> float:
    """Seconds for a turn of cycles: submit, card, click, execute in the customer's thread, card repainted."""
    roots = [await slack.person("U0MARIA").say(f"C0CUSTOMERS{n}", f"ticket {n}") for n in range(CHANNELS)]

    async def cycle(number: int) -> float:
        channel = f"C0DESK{number % CHANNELS}"
        conversation = {
            "id": f"slack:C0CUSTOMERS{number % CHANNELS}:{roots[number % CHANNELS].ts}",
            "messages": [{"role": "customer", "text": "Where is it?"}],
        }
        posted: asyncio.Future[Any] = asyncio.ensure_future(
            slack.wait_for_message(
                channel, lambda m: not m.edited and f"cycle {number}." in str(m.blocks), 30, fresh=True
            )
        )
        await asyncio.sleep(0)
        await submit(
            http, bot, number, conversation=conversation, reply={"text": f"cycle {number}."}, connector="slack_thread"
        )
        card = await posted
        repainted = asyncio.ensure_future(
            slack.wait_for_message(channel, lambda m: m.ts == card.ts and "Sent." in str(m.blocks), 30, fresh=True)
        )
        await asyncio.sleep(0)
        clicked = await slack.person("U0MARIA").click(channel, card, ids.APPROVE)
        assert clicked.status == 200, clicked
        await repainted
        return 0.0

    spare_the_driver()
    begun = time.perf_counter()
    await spread([partial(cycle, number) for number in range(first, first + CYCLES // TURNS)], IN_FLIGHT)
    return time.perf_counter() - begun


def memory_of(pid: int) -> float:
    """Resident megabytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


async def measure() -> None:
    """Everything, and the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with LocalSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET) as slack:
            people(slack)
            for number in range(CHANNELS):
                slack.add_channel(f"desk{number}", id=f"C0DESK{number}")
                slack.add_channel(f"customers{number}", id=f"C0CUSTOMERS{number}")
            connector = aiohttp.TCPConnector(limit=128)
            async with (
                bot_process(slack, folder) as bot,
                bare_bolt(slack) as bare,
                recorder(slack, bot.url) as record,
                aiohttp.ClientSession(connector=connector) as http,
            ):
                idle, bare_idle = memory_of(bot.pid), memory_of(bare.pid)
                commit = durable_commit(folder)
                one = await clicks(http, slack, bot, bare, record, 1, 0)
                many = await clicks(http, slack, bot, bare, record, 16, 100_000)
                card = await submit_to_card(http, slack, bot, 200_000)
                bare_card = await submit_to_card(http, slack, bare, 210_000)
                whole = await full_cycles(http, slack, bot, bare)
                report(bot, idle, one, many, card, whole, Bare(bare, bare_idle, commit, bare_card))


@dataclass(frozen=True)
class Bare:
    """What the bare app came to: megabytes when idle, seconds of a durable commit and of a card."""

    app: Bot
    idle: float
    commit: float
    card: float


def report(bot: Bot, idle: float, one: Clicks, many: Clicks, card: float, whole: Cycles, bare: Bare) -> None:
    """Print the table; the smaller a ratio the better, but for the rate."""
    rows = []
    for workers, seen in (("1 connection", one), ("16 connections", many)):
        for name, own, theirs, aim in (
            (f"click to acknowledged, {workers}", seen.median, seen.bare_median, "≤ 2"),
            ("  95th percentile", seen.slow, seen.bare_slow, ""),
        ):
            both = f"{theirs * 1e3:.2f} + {bare.commit * 1e3:.2f} ms"
            rows.append((name, f"{own * 1e3:.2f} ms", both, own / (theirs + bare.commit), aim))
    loaded, bare_loaded, ready = memory_of(bot.pid), memory_of(bare.app.pid), bare.app.ready_after
    rows += [
        ("submit to card", f"{card * 1e3:.2f} ms", f"{bare.card * 1e3:.2f} ms", card / bare.card, ""),
        ("full cycles a second", f"{whole.ours:.0f}", f"{whole.bare:.0f}", whole.ours / whole.bare, "≥ 200 a second"),
        ("start to ready", f"{bot.ready_after:.2f} s", f"{ready:.2f} s", bot.ready_after / ready, "≤ 1.5 s"),
        ("memory when idle", f"{idle:.0f} MB", f"{bare.idle:.0f} MB", idle / bare.idle, "< 120 MB"),
        ("memory after the load", f"{loaded:.0f} MB", f"{bare_loaded:.0f} MB", loaded / bare_loaded, "< 120 MB"),
    ]
    print(f"\n{'The spine':40} {'Sayso':>12} {'reference':>18} {'ratio':>7}  aim")
    for label, ours, reference, ratio, aim in rows:
        print(f"{label:40} {ours:>12} {reference:>18} {ratio:7.2f}  {aim}")
    print("Reference of a click: a bare Bolt app that only acknowledges, plus one bare durable SQLite commit.")
    print("Reference of a card and a cycle: the same walk in bare Bolt, with no rules and no database; a peer does 20.")
    print(f"The aim of a cycle is for two whole processors; meanwhile the host gave {whole.stolen:.0%} to others.")


def main() -> None:
    """Run the benchmark."""
    asyncio.run(measure())


if __name__ == "__main__":
    main()
