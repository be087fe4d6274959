"""The command line: what it says, where, and with which exit status; and what it never does by accident."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import cli
from bot.domain.errors import SaysoError
from tests.world import POLICY

READS = [
    ["audit", "verify"],
    ["export", "audit"],
    ["export", "history"],
    ["export", "training"],
    ["backup", "copy.db"],
    ["tokens", "list"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the command line is used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_DATABASE_URL", "sqlite:///sayso.db")
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SAYSO_POLICY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def database(folder: Path) -> Path:
    """A database with three audit events."""
    for name in ("one", "two", "three"):
        assert CliRunner().invoke(cli.app, ["tokens", "create", name, "--scope", "read"]).exit_code == 0
    return folder / "sayso.db"


def sayso(*words: str, first: str = "") -> tuple[int, str, str]:
    """Run the program as a shell does; `first` is done before it begins. Its status, and what it said where."""
    program = f"{first}\nimport sys\nfrom bot.cli import main\nsys.argv[1:] = {list(words)!r}\nmain()"
    environ = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_check_says_what_the_policy_means_and_its_status_is_0(folder: Path) -> None:
    (folder / "policy.toml").write_text(POLICY)
    status, said, _ = sayso("check")
    assert status == 0
    assert "refunds" in said


@pytest.mark.parametrize("fault", ['[categories.orders]\nmode = "auto"', "[people\n", '[nonsense]\nx = "y"'])
def test_check_of_a_policy_with_a_fault_names_its_line_and_its_status_is_1(folder: Path, fault: str) -> None:
    (folder / "policy.toml").write_text(fault)
    status, said, complaint = sayso("check")
    assert (status, said) == (1, "")
    assert "policy.toml" in complaint
    assert "1" in complaint or "2" in complaint


@pytest.mark.parametrize(
    ("fault", "before"),
    [
        ('\n[categories.unheard]\nmode = "auto"', ""),
        ('\n[categories.unheard]\nmode = "auto"\nfloor = 7', "The policy has 2 problems; the first: "),
    ],
)
@pytest.mark.parametrize("tokens", [{}, {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0" * 32}])
def test_a_start_with_a_faulty_policy_names_the_file_and_the_line_as_check_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str, before: str, tokens: dict[str, str]
) -> None:
    (folder / "odd.toml").write_text(POLICY + fault)
    monkeypatch.setenv("SAYSO_POLICY", "odd.toml")
    first, *_ = sayso("check")[2].splitlines()
    for name, value in tokens.items():
        monkeypatch.setenv(name, value)
    status, said, complaint = sayso("serve")
    assert (status, said) == (1, "")
    assert first.startswith("odd.toml:")
    assert complaint == f"sayso: {before}{first}\n"


def test_check_of_no_policy_at_all_fails_in_a_sentence(folder: Path) -> None:
    status, said, complaint = sayso("check", "nowhere.toml")
    assert (status, said) == (1, "")
    assert "nowhere.toml" in complaint


def test_a_chain_that_holds_is_counted_and_the_status_is_0(database: Path) -> None:
    assert sayso("audit", "verify") == (0, "The audit log holds: 3 events.\n", "")


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE audit SET payload = '{}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET actor_name = 'x' WHERE seq = 3",
    ],
)
def test_a_chain_that_somebody_changed_does_not_hold_and_the_status_is_1(database: Path, deed: str) -> None:
    tamper(database, deed)
    status, said, complaint = sayso("audit", "verify")
    assert (status, said) == (1, "")
    assert complaint.startswith("The audit log does not hold: ")


def test_a_cut_tail_is_known_by_the_head_that_was_noted(database: Path) -> None:
    rows = CliRunner().invoke(cli.app, ["export", "audit"]).stdout.splitlines()
    last = json.loads(rows[-1])
    head = f"{last['seq']}:{last['hash']}"
    assert sayso("audit", "verify", "--head", head)[0] == 0
    tamper(database, "DELETE FROM audit WHERE seq = 3")
    assert sayso("audit", "verify")[0] == 0
    status, _, complaint = sayso("audit", "verify", "--head", head)
    assert (status, "had been noted" in complaint) == (1, True)
    assert sayso("audit", "verify", "--head", "three")[0] == 1


def tamper(database: Path, deed: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TRIGGER audit_never_updates")
        connection.execute("DROP TRIGGER audit_never_deletes")
        connection.execute(deed)
    connection.close()


@pytest.mark.parametrize("words", [*READS, ["tokens", "revoke", "one"]], ids=" ".join)
@pytest.mark.parametrize("empty", [False, True])
def test_a_mistyped_address_is_refused_and_nothing_is_created(folder: Path, words: list[str], empty: bool) -> None:
    if empty:
        (folder / "sayso.db").touch()  # as an earlier mistake may have left it
    before = {path: path.stat().st_size for path in folder.iterdir()}
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 1
    assert isinstance(done.exception, SaysoError)
    assert "There is no database at sayso.db; check SAYSO_DATABASE_URL." in str(done.exception)
    assert {path: path.stat().st_size for path in folder.iterdir()} == before


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_who_only_looks_leaves_an_older_database_as_it_is(database: Path, words: list[str]) -> None:
    """A copy is made before a newer Sayso starts, while the older one still runs on it."""
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = '0005_pace'")
    connection.close()
    before = database.read_bytes()
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    assert database.read_bytes() == before
    assert {path.name for path in database.parent.iterdir()} <= {"sayso.db", "copy.db"}


def test_a_copy_is_never_half_there(database: Path) -> None:
    status, _, complaint = sayso("backup", "folder/copy.db")
    assert (status, complaint) == (1, "sayso: There is no folder folder; make it first, or name another file.\n")
    killed = sayso("backup", "copy.db", first="import os; os.fsync = lambda descriptor: os._exit(137)")
    assert killed[0] == 137
    assert not (database.parent / "copy.db").exists()
    assert sayso("backup", "copy.db") == (0, "", "Written to copy.db.\n")
    assert not list(database.parent.glob("*.part*"))
    (copy := database.parent / "copy.db").rename(database)
    assert sayso("audit", "verify")[1] == "The audit log holds: 3 events.\n"
    copy.write_bytes(b"mine")
    assert "exists already" in sayso("backup", "copy.db")[2]
    assert copy.read_bytes() == b"mine"
