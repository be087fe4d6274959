"""The settings: an unusable one stops the start with a sentence that names it, and no secret leaves by a side door."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import cli
from bot.config import Config
from bot.domain.errors import BadInput, SaysoError
from tests.handlers.nasty import HIDING

GOOD = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
SECRET = "xoxb-very-secret"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.evil.example/api/",
        "http://localhost.evil.example/api/",
        "http://localhost@evil.example/",
        "https://user:pass@slack.com/api/",
        "http://slack.com/api/",
        "http://10.0.0.1/api/",
        "ftp://127.0.0.1/",
        "https://",
        "http://127.0.0.1:99999999/",
        "http://[::1/",
        "slack.com/api",
        "javascript:alert(1)",
    ],
)
def test_the_bots_token_travels_in_clear_to_this_machine_only(url: str) -> None:
    with pytest.raises(BadInput, match="SLACK_API_URL"):
        Config.of({**GOOD, "SLACK_API_URL": url})


@pytest.mark.parametrize(
    "url", ["https://slack.com/api/", "http://127.0.0.1:3000/api", "http://localhost/api/", "http://[::1]:80/"]
)
def test_a_usable_address_of_slack_ends_in_a_slash(url: str) -> None:
    assert Config.of({**GOOD, "SLACK_API_URL": url}).slack_api_url == url.rstrip("/") + "/"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({**GOOD, "SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET"),
        ({**GOOD, "SLACK_SIGNING_SECRET": "  "}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_BOT_TOKEN": SECRET}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_SIGNING_SECRET": "s"}, "SLACK_BOT_TOKEN"),
        ({**GOOD, "SLACK_BOT_TOKEN": "xoxp-very-secret"}, "SLACK_BOT_TOKEN"),
        ({**GOOD, "SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN"),
        ({**GOOD, "SLACK_APP_TOKEN": "xoxb-very-secret"}, "SLACK_APP_TOKEN"),
        ({**GOOD, "SAYSO_PORT": "65536"}, "SAYSO_PORT"),
        ({**GOOD, "SAYSO_PORT": "-1"}, "SAYSO_PORT"),
        ({**GOOD, "SAYSO_PORT": "80.0"}, "SAYSO_PORT"),
        ({**GOOD, "SAYSO_PORT": "9" * 5_000}, "SAYSO_PORT"),
        ({**GOOD, "SAYSO_LOG_LEVEL": "LOUD"}, "SAYSO_LOG_LEVEL"),
    ],
)
def test_an_unusable_setting_is_named_in_one_sentence_without_its_secret(
    environment: dict[str, str], named: str
) -> None:
    with pytest.raises(BadInput) as refused:
        Config.of(environment)
    assert named in refused.value.sentence
    assert "very-secret" not in refused.value.sentence
    assert len(refused.value.sentence) < 300


def test_no_secret_shows_in_what_is_printed_of_the_settings() -> None:
    config = Config.of(
        {**GOOD, "SLACK_BOT_TOKEN": SECRET, "SLACK_APP_TOKEN": "xapp-very-secret", "SHOP": "very-secret"}
    )
    assert "very-secret" not in repr(config)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("SAYSO_DATABASE_URL", f"sqlite:///{tmp_path / 'sayso.db'}")
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return CliRunner()


def test_a_new_token_is_all_that_stands_on_standard_output_and_the_list_never_shows_it(database: CliRunner) -> None:
    made = database.invoke(cli.app, ["tokens", "create", "shop-ai", "--scope", "propose"])
    assert made.exit_code == 0
    assert made.stdout.startswith("sayso_")
    assert len(made.stdout.split()) == 1
    listed = database.invoke(cli.app, ["tokens", "list"])
    assert "shop-ai" in listed.stdout
    assert "live" in listed.stdout
    assert made.stdout.strip() not in listed.stdout


def test_whoever_gives_a_revoked_name_again_is_told_that_its_agent_goes_on(database: CliRunner) -> None:
    """So a token is rotated: the agent keeps its name, and with it its cases and its idempotency keys."""
    create = ["tokens", "create", "shop-ai", "--scope", "propose"]
    assert database.invoke(cli.app, create).stderr == ""
    database.invoke(cli.app, ["tokens", "revoke", "shop-ai"])
    again = database.invoke(cli.app, create)
    assert len(again.stdout.split()) == 1
    assert "it sees the cases of its earlier token" in again.stderr


def test_an_expired_token_is_not_called_live(database: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "timedelta", lambda days: timedelta(days=-days))
    database.invoke(cli.app, ["tokens", "create", "old", "--scope", "read", "--days", "1"])
    assert "expired" in database.invoke(cli.app, ["tokens", "list"]).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["create", "a", "--scope", "root"],
        ["create", "a b", "--scope", "read"],
        ["create", "<!channel>", "--scope", "read"],
        ["create", HIDING["bidi"], "--scope", "read"],
        ["create", "a", "--scope", "read", "--days", "0"],
        ["create", "a", "--scope", "read", "--days", "999999999"],
        ["revoke", "nobody"],
    ],
)
def test_a_token_that_cannot_be_is_refused(database: CliRunner, words: list[str]) -> None:
    done = database.invoke(cli.app, ["tokens", *words])
    assert done.exit_code != 0
    assert isinstance(done.exception, SaysoError | SystemExit)
    assert "sayso_" not in done.stdout
