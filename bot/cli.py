"""The command line: serve, check, tune, tokens, audit, export, knowledge, backup."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot import knowledge_cli
from bot.config import Config
from bot.domain.errors import BadInput, SaysoError
from bot.garbage import spare_the_start, wait_for_the_start
from bot.ports import ReadOnlyStore, Store
from bot.scheduling import take_turns

if TYPE_CHECKING:
    from bot.tuning import Report

T = TypeVar("T")
S = TypeVar("S", bound=ReadOnlyStore)
app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="A named person in charge of what a support AI says and does.",
)
tokens = typer.Typer(no_args_is_help=True, help="Agents' tokens.")
audit = typer.Typer(no_args_is_help=True, help="The audit log.")
export = typer.Typer(no_args_is_help=True, help="Take data out, as JSON lines on standard output.")
app.add_typer(tokens, name="tokens")
app.add_typer(audit, name="audit")
app.add_typer(export, name="export")


def main() -> None:
    """Run the command line; a refusal is one sentence on standard error and exit status 1."""
    try:
        app()
    except SaysoError as error:
        print(f"sayso: {error.sentence}", file=sys.stderr)
        sys.exit(1)


@app.command()
def serve() -> None:
    """Start the bot; without Slack tokens, on the embedded local Slack with a small sample shop."""
    from bot.logs import configure

    take_turns()
    wait_for_the_start()
    config = Config.of(os.environ)
    configure(config.log_level)
    if config.local:
        from bot.sample_shop import run

        asyncio.run(_until_stopped(lambda stop: run(config, stop)))
    else:
        asyncio.run(_until_stopped(lambda stop: _serve(config, stop)))


async def _serve(config: Config, stop: asyncio.Event) -> None:
    from bot.app import App
    from bot.policy_file import read_policy, warnings

    policy = read_policy(config.policy_path)
    for warning in warnings(policy):
        typer.echo(f"Note: {warning}", err=True)
    async with App(config, policy) as sayso:
        spare_the_start()
        how = "Slack is connected by Socket Mode" if config.app_token else f"Slack posts to {sayso.url}/slack/events"
        typer.echo(f"Sayso listens on {sayso.url}; {how}.")
        await stop.wait()


async def _until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until Ctrl-C or SIGTERM; a second signal does what signals do."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    await run(stop)


@app.command()
def check(path: Annotated[Path | None, typer.Argument(help="The policy file; default: SAYSO_POLICY.")] = None) -> None:
    """Check the policy file: what it means, or every fault with its line."""
    from bot.policy_file import PolicyProblems, describe, problems_text, read_policy, warnings

    path = path or Path(os.environ.get("SAYSO_POLICY") or "policy.toml")
    try:
        policy = read_policy(path)
    except PolicyProblems as problems:
        typer.echo(problems_text(path, problems.problems), err=True)
        raise typer.Exit(1) from None
    typer.echo(describe(policy))
    for warning in warnings(policy):
        typer.echo(f"Note: {warning}")


@tokens.command("create")
def create_token(
    name: str,
    scope: Annotated[
        str,
        typer.Option(
            help="propose: submit, and see its own; read or admin: see the cases of every agent, propose nothing"
        ),
    ],
    owner: Annotated[
        str | None, typer.Option(help="The Slack user whose agent it is: may not decide its cases.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How many days it lives; default: until revoked.")
    ] = None,
) -> None:
    """Create a token and print it, once."""
    from bot.clock import SystemClock
    from bot.tokens import Scope, Tokens

    if scope not in set(Scope):
        raise BadInput(f"--scope must be one of {', '.join(Scope)}, not {scope!r}.")
    lifetime = timedelta(days=days) if days else None

    async def make(store: Store) -> tuple[bool, str]:
        known = any(token.name == name for token in await store.read(lambda tx: tx.tokens()))
        tokens_ = Tokens(store, SystemClock())
        return known, await tokens_.create(name, Scope(scope), owner=owner, lifetime=lifetime)

    known, made = _with_store(make)
    typer.echo(made)
    if known:
        typer.echo(f"{name} goes on: it sees the cases of its earlier token. Name another agent otherwise.", err=True)


@tokens.command("revoke")
def revoke_token(name: str) -> None:
    """Revoke a token at once."""
    from bot.clock import SystemClock
    from bot.tokens import Tokens

    _with_store(lambda store: Tokens(store, SystemClock()).revoke(name), create=False)
    typer.echo(f"{name} is revoked.", err=True)


@tokens.command("list")
def list_tokens() -> None:
    """Every token with its prefix, scope and last use; never the secret."""
    from bot.clock import SystemClock

    now = SystemClock().now()
    for token in _reading(lambda store: store.read(lambda tx: tx.tokens())):
        expired = token.expires_at is not None and token.expires_at <= now
        state = "revoked" if token.revoked_at else "expired" if expired else "live"
        used = f"{token.last_used_at:%Y-%m-%d %H:%M} UTC" if token.last_used_at else "never used"
        typer.echo(f"{token.name}\t{token.prefix}…\t{token.scope}\t{state}\t{used}")


@audit.command("verify")
def verify_audit(
    head: Annotated[str | None, typer.Option(help="SEQ:HASH as the ops channel noted it, to show a cut tail.")] = None,
) -> None:
    """Check the whole chain; exit status 1 and the first fault where it does not hold."""
    from bot.audit_log import check_chain

    noted = None
    if head:
        seq, _, digest = head.partition(":")
        if not seq.isdecimal() or len(digest) != 64:
            raise BadInput("--head looks like 1204:9f2c…, the number and the hash from the ops channel.")
        noted = (int(seq), digest)
    count, fault = _reading(lambda store: check_chain(store, noted))
    if fault:
        typer.echo(f"The audit log does not hold: {fault.reason}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"The audit log holds: {count} events.")


@export.command("audit")
def export_audit() -> None:
    """Every audit event, a JSON object a line."""
    from bot.audit_log import events_of

    async def write(store: ReadOnlyStore) -> None:
        async for document in events_of(store):
            typer.echo(json.dumps(document, ensure_ascii=False))

    _reading(write)


@export.command("history")
def export_history() -> None:
    """Every decided case in the form that `sayso tune` reads, a JSON object a line."""
    from bot.history import history_of

    async def write(store: ReadOnlyStore) -> None:
        async for row in history_of(store):
            typer.echo(json.dumps(row, ensure_ascii=False))

    _reading(write)


@app.command()
def tune(
    history: Annotated[Path, typer.Argument(help="Past tickets, a JSON object a line, plain or gzip.")],
    risk: Annotated[float, typer.Option(help="The share that may be wrong among what runs on its own.")] = 0.02,
    confidence: Annotated[float, typer.Option(help="How sure that promise has to be.")] = 0.9,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw error against share to this PNG file.")] = None,
    write_policy: Annotated[Path | None, typer.Option(help="Write the thresholds into this policy file.")] = None,
) -> None:
    """Which thresholds past tickets support, and what other choices would have done."""
    from bot import tuning_report
    from bot.domain.certificate import check_targets
    from bot.tuning import tune as look

    check_targets(risk, confidence)
    size = history.stat().st_size if history.is_file() else 0
    quiet = not sys.stderr.isatty()
    with typer.progressbar(length=max(size, 1), label="Reading", file=io.StringIO() if quiet else sys.stderr) as bar:
        report = look(history, risk=risk, confidence=confidence, progress=lambda at: bar.update(at - bar.pos))
    typer.echo(json.dumps(tuning_report.as_json(report), indent=2) if as_json else tuning_report.as_text(report))
    if plot:
        from bot.charts import draw

        plot.write_bytes(draw(tuning_report.as_curves(report)))
        typer.echo(f"Drawn to {plot}.", err=True)
    if write_policy:
        _write_thresholds(write_policy, report)


def _write_thresholds(path: Path, report: "Report") -> None:
    """Into an existing policy, which must stay valid, or as the categories of a new one."""
    from bot.policy_file import PolicyProblems, load_policy, problems_text
    from bot.tuning_report import into_policy

    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after, left = into_policy(before, report)
    if before:
        try:
            load_policy(after)
        except PolicyProblems as problems:
            typer.echo(problems_text(path, problems.problems), err=True)
            raise BadInput(f"{path} would not be a valid policy, so nothing was written.") from None
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(after, encoding="utf-8")
    fresh.replace(path)
    for line in [*left, f"Written to {path}; the modes were left as they are."]:
        typer.echo(line, err=True)


@export.command("training")
def export_training(
    form: Annotated[str, typer.Option("--format", help="openai, dpo or jsonl")] = "jsonl",
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Leave customers' data as it is.")] = False,
) -> None:
    """Decided cases to learn from: chat fine-tuning (openai), preference pairs (dpo), or everything (jsonl)."""
    from bot.drafting.training import FORMATS, rows
    from bot.intake.settled import training_cases

    wanted = next((one for one in FORMATS if one == form), None)
    if wanted is None:
        raise BadInput(f"--format must be one of {', '.join(FORMATS)}, not {form!r}.")

    async def write(store: ReadOnlyStore) -> None:
        async for case in training_cases(store):
            for row in rows([case], wanted, masked=not unmasked):
                typer.echo(json.dumps(row, ensure_ascii=False))

    _reading(write)


@app.command()
def backup(file: Path) -> None:
    """Write a consistent copy of the database, while the bot runs."""
    if file.exists():
        raise BadInput(f"{file} exists already; name a new file.")
    if not file.parent.is_dir():
        raise BadInput(f"There is no folder {file.parent}; make it first, or name another file.")
    _reading(lambda store: store.backup(str(file)))
    typer.echo(f"Written to {file}.", err=True)


def _with_store(work: Callable[[Store], Awaitable[T]], *, create: bool = True) -> T:
    """Do what may write: the database is made where there is none, unless it has to be there."""
    from storage import open_store

    return _with(lambda: open_store(Config.of(os.environ).database_url, create=create), work)


def _reading(work: Callable[[ReadOnlyStore], Awaitable[T]]) -> T:
    """Do what only looks: a mistyped address is refused, and a database of another version stays as it is."""
    from storage import open_to_read

    return _with(lambda: open_to_read(Config.of(os.environ).database_url), work)


def _with(opened: Callable[[], S], work: Callable[[S], Awaitable[T]]) -> T:
    async def run() -> T:
        store = opened()
        try:
            return await work(store)
        finally:
            await store.close()

    with _quiet_pipe():
        return asyncio.run(run())


@contextmanager
def _quiet_pipe() -> Iterator[None]:
    """Let `sayso export audit | head` end without a traceback."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app.add_typer(knowledge_cli.commands(_with_store), name="knowledge")
