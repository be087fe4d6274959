"""The settings of one process: frozen, checked, and the only reader of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot.domain.errors import BadInput

SLACK: Final = "https://slack.com/api/"
THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the environment says; secrets never show in its repr. Without a bot token Sayso is in local mode."""

    bot_token: str | None = field(repr=False)
    signing_secret: str | None = field(repr=False)
    app_token: str | None = field(repr=False)
    slack_api_url: str
    database_url: str
    policy_path: Path
    host: str
    port: int
    model: str | None
    log_level: str
    environ: Mapping[str, str] = field(repr=False)

    @property
    def local(self) -> bool:
        """Whether the embedded local Slack stands in for Slack."""
        return self.bot_token is None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Config":
        """The settings of an environment; raises BadInput with one sentence that names the unusable value."""
        values = {name: value.strip() for name, value in environ.items()}
        config = cls(
            bot_token=_token(values, "SLACK_BOT_TOKEN", "xoxb-"),
            signing_secret=values.get("SLACK_SIGNING_SECRET") or None,
            app_token=_token(values, "SLACK_APP_TOKEN", "xapp-"),
            slack_api_url=_url(values.get("SLACK_API_URL") or SLACK),
            database_url=values.get("SAYSO_DATABASE_URL") or "sqlite:///sayso.db",
            policy_path=Path(values.get("SAYSO_POLICY") or "policy.toml"),
            host=values.get("SAYSO_HOST") or "127.0.0.1",
            port=_port(values.get("SAYSO_PORT") or "3000"),
            model=values.get("SAYSO_MODEL") or None,
            log_level=_level(values.get("SAYSO_LOG_LEVEL") or "INFO"),
            environ=values,
        )
        _check_slack(config, values)
        return config


def _check_slack(config: Config, values: Mapping[str, str]) -> None:
    if "SLACK_SIGNING_SECRET" in values and not config.signing_secret:
        raise BadInput("SLACK_SIGNING_SECRET is empty; copy it from the app's Basic Information page, or unset it.")
    if config.bot_token is None:
        if config.signing_secret or config.app_token:
            raise BadInput("SLACK_BOT_TOKEN is missing; set it, or unset the other SLACK_ variables for local mode.")
        return
    if not config.signing_secret and not config.app_token:
        raise BadInput("Set SLACK_SIGNING_SECRET (HTTP mode) or SLACK_APP_TOKEN (Socket Mode) beside SLACK_BOT_TOKEN.")


def _token(values: Mapping[str, str], name: str, prefix: str) -> str | None:
    token = values.get(name)
    if token is None:
        return None
    if not token.startswith(prefix):
        raise BadInput(f"{name} must begin with {prefix}; copy it again from the app's page at Slack.")
    return token


def _url(text: str) -> str:
    try:
        address = urlsplit(text)
        usable = bool(address.hostname) and address.username is None and (address.port or 1) > 0
    except ValueError:
        usable = False
    # The bot's token travels there: in clear only to this machine itself, not to a host whose name begins like it.
    if not usable or (address.scheme != "https" and (address.scheme != "http" or address.hostname not in THIS_MACHINE)):
        raise BadInput("SLACK_API_URL must be an https address, or http on this machine.")
    return text if text.endswith("/") else f"{text}/"


def _port(text: str) -> int:
    if not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        raise BadInput(f"SAYSO_PORT must be a number from 0 to 65535, not {text[:40]!r}.")
    return int(text)


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise BadInput(f"SAYSO_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {text!r}.")
    return text.upper()
