"""Which connector carries what: built from the policy's words and the environment's secrets."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.connectors.agent import Agent
from bot.connectors.slack_thread import SlackThread, parse_thread_id
from bot.connectors.webhook import Webhook
from bot.connectors.zendesk import Zendesk, parse_ticket_id
from bot.domain.errors import BadInput
from bot.domain.policy import ConnectorRule, Policy
from bot.domain.proposal import AGENT_CONNECTOR, Action, Conversation, Proposal
from bot.outbound import Outbound
from bot.ports import Clock, Connector
from bot.signing import UnusableSecret, sign

if TYPE_CHECKING:
    from bot.connectors.email import Tls


def build(
    policy: Policy,
    *,
    slack_client: AsyncWebClient,
    outbound: Outbound,
    session: aiohttp.ClientSession,
    environ: Mapping[str, str],
    clock: Clock,
) -> Mapping[str, Connector]:
    """Every connector of the policy by its full name, such as `webhook:payments`, and the two built-in ones.

    `session` is what Zendesk is called with. Raises BadInput naming the environment variable that is missing.
    """
    built: dict[str, Connector] = {AGENT_CONNECTOR: Agent(), "slack_thread": SlackThread(slack_client, now=clock.now)}
    for name, rule in policy.connectors.items():
        options = _Options(name, rule, environ)
        match rule.type:
            case "agent" | "slack_thread":
                continue
            case "webhook":
                built[name] = _webhook(policy, rule, options, outbound, clock.now)
            case "email":
                built[name] = _email(options, clock.now)
            case "zendesk":
                built[name] = Zendesk(
                    session=session,
                    url=options.text("url"),
                    user=options.secret("user_env"),
                    token=options.secret("token_env"),
                    now=clock.now,
                )
            case _:
                raise BadInput(f"The connector {name} has the type {rule.type}, which Sayso does not know.")
    return built


def recipient_of(connector: str, conversation: Conversation) -> str:
    """To whom a connector carries: the customer's e-mail address, or the conversation; raises BadInput."""
    if connector.partition(":")[0] != "email":
        return conversation.id
    from bot.connectors.email import is_address  # aiosmtplib is loaded only where mail is used

    address = conversation.customer.get("email")
    if not isinstance(address, str) or not is_address(address.strip()):
        raise BadInput("A reply by e-mail needs the customer's address in conversation.customer.email.")
    return address.strip()


def check_reachable(connector: str, conversation: Conversation) -> None:
    """BadInput for a conversation that this connector could never carry anything to."""
    try:
        match connector.partition(":")[0]:
            case "slack_thread":
                parse_thread_id(conversation.id)
            case "zendesk":
                parse_ticket_id(conversation.id)
    except BadInput as error:
        raise BadInput(
            f"The connector {connector} cannot reach the conversation {conversation.id[:80]}. {error.sentence} "
            'With "connector": "agent" you carry it out yourself.'
        ) from None


class _Options:
    """The options of one connector, with sentences for what is missing."""

    def __init__(self, name: str, rule: ConnectorRule, environ: Mapping[str, str]) -> None:
        self._name, self._options, self._environ = name, rule.options, environ

    def text(self, key: str) -> str:
        value = self._options.get(key)
        if not isinstance(value, str) or not value.strip():
            raise BadInput(f"The connector {self._name} needs {key} in the policy file.")
        return value.strip()

    def secret(self, key: str) -> str:
        variable = self.text(key)
        value = self._environ.get(variable, "").strip()
        if not value:
            raise BadInput(f"The connector {self._name} needs the environment variable {variable}: set it.")
        return value

    def optional_secret(self, key: str) -> str | None:
        return self.secret(key) if self._options.get(key) is not None else None

    def port(self, default: int) -> int:
        value = self._options.get("port", default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65_535:
            raise BadInput(f"The connector {self._name} needs a port from 1 to 65535.")
        return value

    def tls(self) -> "Tls":
        """`tls = "none" | "starttls" | "implicit"`, or the two switches `tls` and `starttls`."""
        match self._options.get("tls"):
            case "none" | "starttls" | "implicit" as word:
                return word
            case True:
                return "implicit"
            case False | None:
                return "starttls" if self._options.get("starttls", True) else "none"
        raise BadInput(f'The tls of the connector {self._name} is "none", "starttls" or "implicit".')


def _webhook(
    policy: Policy, rule: ConnectorRule, options: _Options, outbound: Outbound, now: Callable[[], datetime]
) -> Connector:
    variable, secret = options.text("secret_env"), options.secret("secret_env")
    try:
        sign(secret, message_id="check", at=now(), body=b"{}")
    except UnusableSecret as error:
        raise BadInput(f"The environment variable {variable} cannot be used: {error}") from None
    return Webhook(
        name=rule.name,
        url=options.text("url"),
        secret=secret,
        outbound=outbound,
        idempotent=lambda proposal: rule.idempotent or _action_is_idempotent(policy, proposal),
        now=now,
    )


def _action_is_idempotent(policy: Policy, proposal: Proposal) -> bool:
    content = proposal.content
    rule = policy.actions.get(content.name) if isinstance(content, Action) else None
    return rule is not None and rule.idempotent


def _email(options: _Options, now: Callable[[], datetime]) -> Connector:
    from bot.connectors.email import Email  # aiosmtplib is loaded only where mail is used

    tls, host = options.tls(), options.text("host")
    password = options.optional_secret("password_env")
    if password and tls == "none" and host not in ("127.0.0.1", "::1", "localhost"):
        raise BadInput(f"The mail password for {host} would travel in clear: use starttls or implicit TLS.")
    return Email(
        host=host,
        port=options.port({"none": 25, "starttls": 587, "implicit": 465}[tls]),
        sender=options.text("from"),
        tls=tls,
        username=options.optional_secret("username_env"),
        password=password,
        now=now,
    )
