"""What a [connectors.NAME] table may say, by its type: another type is one class and one line in OPTIONS."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from bot.domain.policy import ConnectorRule
from bot.policy_file.table import Table
from bot.policy_file.words import environment_name, filled, is_loopback, matching, web_address

Address = Annotated[str, AfterValidator(web_address)]
EnvironmentName = Annotated[str, AfterValidator(environment_name)]
MailHost = Annotated[str, AfterValidator(matching(r"[A-Za-z0-9.:-]+", 'a host such as "smtp.example.com"'))]
MailAddress = Annotated[
    str, AfterValidator(matching(r"[^\s@<>]+@[^\s@<>]+|[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>", "an email address"))
]


class ConnectorTable(Table):
    """What every connector has; `idempotent` says that its receiver honours the idempotency key."""

    type: Annotated[str, AfterValidator(filled)]
    idempotent: bool = False


class WebhookTable(ConnectorTable):
    """A receiver of signed webhooks (Standard Webhooks), with the variable that holds the secret."""

    url: Address
    secret_env: EnvironmentName


class ZendeskTable(ConnectorTable):
    """A Zendesk account, with the variables that hold the user name and the API token."""

    url: Address
    user_env: EnvironmentName
    token_env: EnvironmentName


class EmailTable(ConnectorTable):
    """A mail server: `tls` from the first byte on, or `starttls` (the default where tls is off)."""

    host: MailHost
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: Annotated[MailAddress, Field(alias="from")]
    tls: bool = False
    starttls: bool = True
    username_env: EnvironmentName | None = None
    password_env: EnvironmentName | None = None

    @model_validator(mode="before")
    @classmethod
    def _matching_defaults(cls, raw: object) -> object:
        """With `tls` the usual port is 465, and there is no starttls; without either it is 25."""
        if not isinstance(raw, dict):
            return raw
        filled_in = dict(raw)
        filled_in.setdefault("starttls", filled_in.get("tls") is not True)
        plain_port = 587 if filled_in["starttls"] is True else 25
        filled_in.setdefault("port", 465 if filled_in.get("tls") is True else plain_port)
        return filled_in

    @model_validator(mode="after")
    def _safe(self) -> "EmailTable":
        if self.tls and self.starttls:
            raise ValueError("cannot have both tls and starttls; keep one of them")
        if (self.username_env is None) != (self.password_env is None):
            raise ValueError("needs username_env and password_env together, or neither")
        if self.password_env and not (self.tls or self.starttls or is_loopback(self.host)):
            raise ValueError("would send its password unencrypted; set starttls or tls to true")
        return self


class BuiltInTable(ConnectorTable):
    """A connector that needs no options."""


OPTIONS: Final[Mapping[str, type[ConnectorTable]]] = {
    "webhook": WebhookTable,
    "email": EmailTable,
    "zendesk": ZendeskTable,
    "slack_thread": BuiltInTable,
}

# The agent is told the proposal's id with every go-ahead, so it can recognise a repeated one.
BUILT_IN: Final[Mapping[str, ConnectorRule]] = {
    "agent": ConnectorRule(name="agent", type="agent", idempotent=True),
    "slack_thread": ConnectorRule(name="slack_thread", type="slack_thread", idempotent=False),
}


def full_name(type_: str, name: str) -> str:
    """The name that categories, actions and agents use: `webhook:payments`, or `slack_thread` alone."""
    return name if name == type_ and name in BUILT_IN else f"{type_}:{name}"


def connector_rule(name: str, table: ConnectorTable) -> ConnectorRule:
    """The table as the domain knows it; options have the file's own names, absent ones left out."""
    options = table.model_dump(by_alias=True, exclude_none=True, exclude={"type", "idempotent"})
    return ConnectorRule(
        name=full_name(table.type, name), type=table.type, idempotent=table.idempotent, options=options
    )
