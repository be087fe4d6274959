"""README.md says what is there: commands, variables, endpoints, keys and the table of modes are those of the code."""

import ast
import base64
import hashlib
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer.main
from standardwebhooks.webhooks import WebhookVerificationError

from bot.cli import app
from bot.domain.lifecycle import Verdict
from bot.domain.policy import Facts, Mode, Policy, rule
from bot.domain.proposal import Action, Reply
from bot.domain.threshold import effective
from bot.policy_file import load_policy, warnings
from bot.signing import sign
from bot.tokens import callback_secret, hashed
from handlers import phrases
from handlers.api_models import ProposalIn
from tests.rules import readme
from tests.rules.sources import ROOT, modules, registered, routes, texts

VARIABLE = re.compile(r"(?:SLACK|SAYSO)_[A-Z_]+\Z")
CELLS = {"asks": Verdict.ASK, "runs": Verdict.AUTOMATE, "escalates": Verdict.ESCALATE}


def named(pattern: str) -> set[str]:
    return set(re.findall(pattern, readme.text()))


def test_the_environment_table_has_exactly_the_variables_that_are_read() -> None:
    read = {found for path in modules("bot", "storage") for found in texts(path) if VARIABLE.match(found)}

    assert {row[0].strip("`") for row in readme.table("variable")[1:]} == read
    assert named(r"\b(?:SLACK|SAYSO)_[A-Z_]+\b") <= read


def test_the_defaults_in_the_environment_table_are_the_true_ones() -> None:
    config = texts(ROOT / "bot" / "config.py")
    shown = {row[0].strip("`"): row[1].strip("`") for row in readme.table("variable")[1:] if row[1].startswith("`")}

    assert len(shown) == 5
    assert set(shown.values()) <= config


def every_command() -> dict[tuple[str, ...], set[str]]:
    """The options of each command, by its words."""
    found: dict[tuple[str, ...], set[str]] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))
        if not hasattr(command, "commands"):
            found[path] = {option for parameter in command.params for option in parameter.opts}

    walk(typer.main.get_command(app), ())
    return found


def test_every_command_that_is_named_exists_with_its_options() -> None:
    known = every_command()
    assert readme.commands()
    for words in readme.commands():
        path = tuple(words[:2]) if tuple(words[:2]) in known else tuple(words[:1])
        assert path in known, words
        assert {word for word in words if word.startswith("--")} <= known[path], words


def test_every_command_line_is_explained() -> None:
    explained = {tuple(words[:length]) for words in readme.commands() for length in (1, 2)}
    # `make run` is `sayso serve`.
    assert set(every_command()) - {("serve",)} <= explained


def test_every_option_that_stands_alone_belongs_to_a_command() -> None:
    options = set().union(*every_command().values())

    assert {word.split()[0] for word in readme.inline() if word.startswith("--")} <= options


def test_every_make_verb_exists() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert named(r"(?:^|`)make ([a-z-]+)") <= verbs
    assert {"run", "test", "lint", "bench"} <= verbs


def test_the_endpoints_are_exactly_those_that_are_served() -> None:
    said = {(verb, path) for verb, path in re.findall(r"`(GET|POST) (/[^`?]*)`", readme.text())}

    assert said | {("POST", "/slack/events")} == routes()
    for address in re.findall(r"127\.0\.0\.1:3000(/[^\s\"?]*)", readme.text()):
        path = address.replace("$ID", "{id}")
        assert path in {served for _, served in routes()}, address


def test_every_metric_that_is_named_is_measured() -> None:
    measured = texts(ROOT / "handlers" / "health.py") | texts(ROOT / "bot" / "figures.py")

    names = named(r"\bsayso_(?:proposals|errands|paused|decision_seconds)\b")
    assert names == {name for name in measured if name.startswith("sayso_")}


def test_every_callback_event_that_is_named_is_sent() -> None:
    rooms = [ROOT / "bot" / "approvals.py", ROOT / "bot" / "executions.py"]
    sent = {text for room in rooms for text in texts(room) if re.fullmatch(r"proposal\.[a-z]+", text)}
    # A cancelled or expired case names its event by its state.
    sent |= {"proposal.cancelled", "proposal.expired"}

    assert named(r"`(proposal\.[a-z]+)`") <= sent


def test_every_slash_command_is_understood() -> None:
    said = [text for text in readme.inline() if text.startswith(("/threshold", "/approvals"))]
    assert {text.split()[0] for text in said} == registered("command")
    for text in said:
        command, _, rest = text.partition(" ")
        (phrases.threshold if command == "/threshold" else phrases.approvals)(rest)


def test_every_file_that_it_points_to_exists() -> None:
    assert [target for target in readme.links() if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("block", readme.blocks("bash"))
def test_the_shell_blocks_parse(block: str) -> None:
    answer = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)

    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
def test_the_command_works_in_every_folder_once_it_is_defined_in_ours(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    defined = next(block for block in readme.blocks("bash") if block.startswith("sayso_home="))
    script = f'{defined}cd "{tmp_path}"\nsayso check'
    answer = subprocess.run([shell, "-c", script], cwd=ROOT, text=True, capture_output=True, check=False)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("Category")


def test_the_body_in_the_curl_example_is_accepted_and_waits_for_a_person(policy: Policy) -> None:
    body = re.search(r"-d '(.*?)'", "\n".join(readme.blocks("bash")), re.DOTALL)
    assert body is not None
    proposal = ProposalIn.model_validate(json.loads(body[1]))
    facts = Facts(
        category=proposal.category,
        content=proposal.content,
        confidence=proposal.confidence,
        in_scope=proposal.in_scope,
    )

    assert rule(policy, facts, effective(policy.category(proposal.category), None)).verdict is Verdict.ASK


@pytest.fixture(scope="module")
def policy() -> Policy:
    (excerpt,) = readme.blocks("toml")
    return load_policy(excerpt)


def test_the_policy_excerpt_loads_without_warnings(policy: Policy) -> None:
    assert warnings(policy) == []


def test_every_policy_key_that_is_named_exists() -> None:
    form = ast.parse((ROOT / "bot" / "policy_file" / "form.py").read_text(encoding="utf-8"))
    fields = (node.target for node in ast.walk(form) if isinstance(node, ast.AnnAssign))
    keys = {field.id for field in fields if isinstance(field, ast.Name)}
    said = {word for word in readme.inline(readme.section("The policy file")) if re.fullmatch(r"[a-z_]+", word)}
    said |= set(re.findall(r"`\[[a-z]+\] ([a-z_]+)`", readme.text())) | {"risk", "threshold", "idempotent"}

    assert {"floor", "free_when", "hosts"} <= said
    assert said - set(Mode) <= keys


MODES = """
[channels]
review = "C0REVIEW"
escalation = "C0ESCALATE"
ops = "C0OPS"
[people]
approvers = ["U0MARIA"]
admins = ["U0MARIA"]
[categories.any]
mode = "{mode}"
threshold = 0.9
[actions.look]
effect = "read"
[actions.plain]
effect = "write"
[actions.freed]
effect = "write"
free_when = "args.amount <= 50"
"""
CONTENTS: list[list[Any]] = [
    [Reply(text="Your order is on its way.")],
    [Action(name="look", args={})],
    [Action(name="plain", args={}), Action(name="freed", args={"amount": 51}), Action(name="freed", args={})],
    [Action(name="freed", args={"amount": 50})],
]


@pytest.mark.parametrize("row", readme.table("mode")[1:], ids=lambda row: row[0].strip("`"))
def test_the_table_of_modes_is_what_the_policy_rules(row: list[str]) -> None:
    policy = load_policy(MODES.format(mode=row[0].strip("`")))
    setting = effective(policy.categories["any"], None)

    for said, contents in zip(row[1:], CONTENTS, strict=True):
        for content in contents:
            verdicts = [
                rule(policy, Facts(category="any", content=content, confidence=sure, in_scope=True), setting).verdict
                for sure in (0.89, 0.9)
            ]
            wanted = [Verdict.ASK, Verdict.AUTOMATE] if said == "threshold" else [CELLS[said]] * 2
            assert verdicts == wanted, (row[0], content)


def test_the_table_of_modes_has_every_mode() -> None:
    assert {row[0].strip("`") for row in readme.table("mode")[1:]} == set(Mode)


def test_the_python_snippet_verifies_what_sayso_signs() -> None:
    (snippet,) = readme.blocks("python")
    there: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), there)
    token, body = "sayso_example", b'{"type":"proposal.executed"}'
    headers = sign(callback_secret(hashed(token)), message_id="dlv_1", at=datetime.now(UTC), body=body)

    assert there["callback_secret"](token) == callback_secret(hashed(token))
    assert there["read_callback"](token, headers, body) == {"type": "proposal.executed"}
    with pytest.raises(WebhookVerificationError):
        there["read_callback"]("sayso_other", headers, body)
    with pytest.raises(WebhookVerificationError):
        there["read_callback"](token, headers, body + b" ")


def test_the_secret_is_derived_as_the_words_say() -> None:
    secret = base64.b64decode(callback_secret(hashlib.sha256(b"t").hexdigest()).removeprefix("whsec_"))

    assert len(secret) == 32


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "CHANGELOG.md"])
def test_every_file_that_is_named_in_code_letters_exists(page: str) -> None:
    words = re.findall(r"`([\w./-]+)`", (ROOT / page).read_text(encoding="utf-8"))
    files = {word for word in words if word.startswith(("bot/", "handlers/", "storage/", "tests/", "docs/"))}

    assert [name for name in sorted(files) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_link_between_the_pages_leads_somewhere(page: Any) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))

    assert [name for name in targets if "://" not in name and not (page.parent / name).exists()] == []
