import base64
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.connectors.agent import Agent
from bot.connectors.email import Email
from bot.connectors.registry import build, check_reachable, recipient_of
from bot.connectors.slack_thread import SlackThread
from bot.connectors.webhook import Webhook
from bot.connectors.zendesk import Zendesk
from bot.domain.canonical import Json
from bot.domain.delivery import Delivered, Lost, Postponed
from bot.domain.errors import BadInput
from bot.domain.policy import ActionRule, ConnectorRule, Policy
from bot.domain.proposal import Action, Conversation
from bot.outbound import Guard, Outbound
from bot.policy_file import load_policy
from bot.ports import Connector
from tests.connectors.cases import REFUND, errand, proposal
from tests.connectors.receiver import answering, receiving

ENVIRON = {
    "PAYMENTS_SECRET": "whsec_" + base64.b64encode(b"k" * 32).decode(),
    "MAIL_USER": "bot",
    "MAIL_PASSWORD": "pw",
    "ZENDESK_USER": "bot@shop.example",
    "ZENDESK_TOKEN": "t",
}
HOOK: dict[str, Json] = {"url": "http://127.0.0.1:9/", "secret_env": "PAYMENTS_SECRET"}
MAIL: dict[str, Json] = {
    "host": "smtp.shop.example",
    "from": "support@shop.example",
    "username_env": "MAIL_USER",
    "password_env": "MAIL_PASSWORD",
}
DESK: dict[str, Json] = {
    "url": "https://shop.zendesk.com",
    "user_env": "ZENDESK_USER",
    "token_env": "ZENDESK_TOKEN",
}


SMALLEST = """
[channels]
review = "C0REVIEW"
escalation = "C0ESCALATE"
ops = "C0OPS"

[people]
approvers = ["U0MARIA"]
admins = ["U0MARIA"]
"""


def rule(name: str, options: Mapping[str, Json] | None = None, *, idempotent: bool = False) -> ConnectorRule:
    return ConnectorRule(name=name, type=name.partition(":")[0], idempotent=idempotent, options=options or {})


def policy(*connectors: ConnectorRule, actions: Mapping[str, ActionRule] | None = None) -> Policy:
    return replace(load_policy(SMALLEST), actions=actions or {}, connectors={one.name: one for one in connectors})


@pytest.fixture
async def parts() -> AsyncIterator[dict[str, Any]]:
    guard = Guard(allowed_hosts=frozenset(), allow_loopback_http=True)
    async with Outbound(guard) as outbound, aiohttp.ClientSession() as session:
        yield {
            "slack_client": AsyncWebClient(token="xoxb"),
            "outbound": outbound,
            "session": session,
            "clock": SystemClock(),
        }


async def test_every_connector_of_the_policy_is_built_under_its_full_name(parts: dict[str, Any]) -> None:
    built = build(
        policy(
            rule("agent"),
            rule("slack_thread"),
            rule("webhook:payments", HOOK),
            rule("email:support", MAIL),
            rule("zendesk:main", DESK),
        ),
        environ=ENVIRON,
        **parts,
    )
    assert {name: type(connector) for name, connector in built.items()} == {
        "agent": Agent,
        "slack_thread": SlackThread,
        "webhook:payments": Webhook,
        "email:support": Email,
        "zendesk:main": Zendesk,
    }


async def test_the_two_built_in_ones_are_there_without_a_word(parts: dict[str, Any]) -> None:
    assert set(build(policy(), environ={}, **parts)) == {"agent", "slack_thread"}


@pytest.mark.parametrize(
    ("connector", "missing"),
    [
        (rule("webhook:payments", HOOK), "PAYMENTS_SECRET"),
        (rule("email:support", MAIL), "MAIL_USER"),
        (rule("email:support", MAIL), "MAIL_PASSWORD"),
        (rule("zendesk:main", DESK), "ZENDESK_USER"),
        (rule("zendesk:main", DESK), "ZENDESK_TOKEN"),
    ],
)
@pytest.mark.parametrize("value", [None, "", "  "])
async def test_a_missing_variable_is_named_with_its_connector(
    parts: dict[str, Any], connector: ConnectorRule, missing: str, value: str | None
) -> None:
    environ = {name: one for name, one in ENVIRON.items() if name != missing}
    if value is not None:
        environ[missing] = value
    with pytest.raises(BadInput, match=f"{connector.name} .*{missing}"):
        build(policy(connector), environ=environ, **parts)


@pytest.mark.parametrize("secret", ["plain", "whsec_c2hvcnQ=", "whsec_!!"])
async def test_an_unusable_secret_stops_the_start_and_is_not_shown(parts: dict[str, Any], secret: str) -> None:
    with pytest.raises(BadInput, match="PAYMENTS_SECRET cannot be used") as caught:
        build(policy(rule("webhook:payments", HOOK)), environ={"PAYMENTS_SECRET": secret}, **parts)
    assert secret.removeprefix("whsec_") not in caught.value.sentence


@pytest.mark.parametrize(
    "connector",
    [
        rule("webhook:x", {"secret_env": "PAYMENTS_SECRET"}),
        rule("email:x", {**MAIL, "from": "nobody"}),
        rule("email:x", {**MAIL, "port": 0}),
        rule("email:x", {**MAIL, "port": True}),
        rule("email:x", {**MAIL, "tls": "ssl3"}),
        rule("email:x", {**MAIL, "tls": "none"}),
        rule("zendesk:x", {**DESK, "url": "http://shop.zendesk.com"}),
        rule("pigeon:x"),
    ],
)
async def test_options_that_cannot_work_are_refused_in_words(parts: dict[str, Any], connector: ConnectorRule) -> None:
    with pytest.raises(BadInput):
        build(policy(connector), environ=ENVIRON, **parts)


@pytest.mark.parametrize(
    ("options", "port", "tls"),
    [
        ({}, 587, "starttls"),
        ({"tls": "implicit"}, 465, "implicit"),
        ({"tls": True}, 465, "implicit"),
        ({"tls": False, "starttls": True, "port": 2525}, 2525, "starttls"),
        ({"tls": False, "starttls": False, "host": "127.0.0.1"}, 25, "none"),
        ({"tls": "none", "host": "localhost"}, 25, "none"),
    ],
)
async def test_mail_is_protected_unless_the_policy_says_otherwise(
    parts: dict[str, Any], options: dict[str, Json], port: int, tls: str
) -> None:
    built = build(policy(rule("email:x", {**MAIL, **options})), environ=ENVIRON, **parts)
    mail = built["email:x"]
    assert isinstance(mail, Email)
    assert (mail.port, mail.tls) == (port, tls)


async def test_the_words_of_the_policy_file_are_all_that_is_needed(parts: dict[str, Any]) -> None:
    text = (
        SMALLEST
        + """
[connectors.payments]
type = "webhook"
url = "https://pay.example.com/sayso"
secret_env = "PAYMENTS_SECRET"
idempotent = true

[connectors.support]
type = "email"
host = "smtp.example.com"
from = "Support <support@example.com>"
username_env = "MAIL_USER"
password_env = "MAIL_PASSWORD"

[connectors.plain]
type = "email"
host = "127.0.0.1"
port = 1025
starttls = false
from = "support@example.com"

[connectors.main]
type = "zendesk"
url = "https://example.zendesk.com"
user_env = "ZENDESK_USER"
token_env = "ZENDESK_TOKEN"
"""
    )
    built = build(load_policy(text), environ=ENVIRON, **parts)
    names = {"agent", "slack_thread", "webhook:payments", "email:support", "email:plain", "zendesk:main"}
    assert set(built) == names
    support, plain = built["email:support"], built["email:plain"]
    assert isinstance(support, Email)
    assert isinstance(plain, Email)
    assert [(one.port, one.tls) for one in (support, plain)] == [(587, "starttls"), (1025, "none")]


@pytest.mark.parametrize("connector_says", [True, False])
@pytest.mark.parametrize("action_says", [True, False])
async def test_the_key_counts_where_the_action_or_the_connector_says_so(
    parts: dict[str, Any], connector_says: bool, action_says: bool
) -> None:
    actions = {"refund": ActionRule(name="refund", effect="write", idempotent=action_says)}
    async with receiving(answering(500)) as receiver:
        connector = rule("webhook:payments", {**HOOK, "url": receiver.url}, idempotent=connector_says)
        hook = build(policy(connector, actions=actions), environ=ENVIRON, **parts)["webhook:payments"]
        assert await repeats(hook, REFUND) is (connector_says or action_says)
        assert await repeats(hook, Action(name="unknown", args={})) is connector_says


async def repeats(hook: Connector, action: Action) -> bool:
    outcome = await hook.deliver(proposal(action), errand())
    assert isinstance(outcome, Postponed | Lost)
    return isinstance(outcome, Postponed)


async def test_the_secret_of_the_environment_signs_what_goes_out(parts: dict[str, Any]) -> None:
    async with receiving(answering(200)) as receiver:
        connector = rule("webhook:payments", {**HOOK, "url": receiver.url})
        hook = build(policy(connector), environ=ENVIRON, **parts)["webhook:payments"]
        assert isinstance(await hook.deliver(proposal(REFUND), errand()), Delivered)
    assert receiver.received[0].headers["webhook-signature"].startswith("v1,")


def test_a_mail_goes_to_the_customers_address() -> None:
    conversation = Conversation(id="mail:1", customer={"email": " ana@x.example "})
    assert recipient_of("email:support", conversation) == "ana@x.example"


@pytest.mark.parametrize("email", [None, "", "ana", 7, "a@x.example\r\nBcc: b@x.example", "Ana <ana@x.example>"])
def test_a_customer_without_an_address_cannot_be_mailed(email: Json) -> None:
    with pytest.raises(BadInput, match=r"conversation\.customer\.email"):
        recipient_of("email:support", Conversation(id="mail:1", customer={"email": email}))


@pytest.mark.parametrize("connector", ["agent", "slack_thread", "webhook:payments", "zendesk:main"])
def test_everything_else_goes_to_the_conversation(connector: str) -> None:
    assert recipient_of(connector, Conversation(id="zendesk:4812")) == "zendesk:4812"


def test_the_mail_library_is_not_loaded_where_no_mail_is_sent() -> None:
    code = "import sys, bot.connectors.registry; sys.exit('aiosmtplib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("connector", "reached", "missed"),
    [
        ("slack_thread", "slack:C0CUSTOMERS:1712345678.000100", "slack:C0CUSTOMERS"),
        ("zendesk", "zendesk:4812", "ticket-9"),
        ("zendesk:eu", "zendesk:4812", "4812"),
    ],
)
def test_a_connector_says_which_conversations_it_could_never_reach(connector: str, reached: str, missed: str) -> None:
    check_reachable(connector, Conversation(id=reached))
    with pytest.raises(
        BadInput, match=f'^The connector {connector} cannot reach .*has an id like.*"connector": "agent"'
    ):
        check_reachable(connector, Conversation(id=missed))


@pytest.mark.parametrize("connector", ["agent", "webhook:payments", "email"])
def test_other_connectors_take_a_conversation_of_any_name(connector: str) -> None:
    check_reachable(connector, Conversation(id="ticket-9"))
