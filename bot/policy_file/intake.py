"""The tables about tickets: [intake] with its helpdesks, e-mail and mailbox, [knowledge] and [drafting]."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bot.domain.intake import DraftingRule, Helpdesk, Intake, KnowledgeRule, Mailbox, MailListener
from bot.policy_file.connectors import ConnectorTable, EnvironmentName, MailAddress, MailHost, full_name
from bot.policy_file.form import ChannelId, ChannelsTable
from bot.policy_file.locator import Place
from bot.policy_file.problems import Faults
from bot.policy_file.sentences import dotted, suggestion
from bot.policy_file.table import Table
from bot.policy_file.words import distinct, duration, filled, is_loopback, positive, shown

Filled = Annotated[str, AfterValidator(filled)]
Port = Annotated[int, Field(ge=0, le=65535)]
Bytes = Annotated[int, Field(ge=10_000, le=100_000_000)]
Duration = Annotated[timedelta, BeforeValidator(duration), AfterValidator(positive)]
ReadTable = Callable[[object, type[Any], Place, Faults], Any]

FIELDS: Final = (
    "conversation", "text", "email", "name", "customer", "subject", "url", "category", "message", "staff", "public"
)  # fmt: skip
NESTED: Final = ("email", "mailbox", "helpdesks")


class IntakeTable(Table):
    """[intake]: the Slack channels that customers write in, and how much e-mail one sender may send in an hour."""

    channels: Annotated[list[ChannelId], AfterValidator(distinct)] = Field(default_factory=list)
    per_sender: Annotated[int, Field(ge=1, le=10_000)] = Intake().per_sender


class EmailTable(Table):
    """[intake.email]: our own SMTP server."""

    host: MailHost = MailListener().host
    port: Port = MailListener().port
    max_bytes: Bytes = MailListener().max_bytes
    recipients: list[MailAddress] = Field(default_factory=list)
    connector: str | None = None


class MailboxTable(Table):
    """[intake.mailbox]: a mailbox read by IMAP."""

    host: MailHost
    username_env: EnvironmentName
    password_env: EnvironmentName
    port: Port | None = None
    tls: bool = True
    folder: Filled = "INBOX"
    every: Duration = timedelta(seconds=30)
    max_bytes: Bytes = MailListener().max_bytes
    connector: str | None = None


class HelpdeskTable(Table):
    """[intake.helpdesks.NAME]: a helpdesk that posts to /v1/inbound/NAME."""

    type: Literal["zendesk", "mapping"]
    secret_env: EnvironmentName
    connector: str | None = None
    category: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    signature: Literal["standard", "hex", "base64"] = "standard"
    signature_header: Filled | None = None


class KnowledgeTable(Table):
    """[knowledge]: the folder of Markdown files, and words that a draft may use without a source."""

    folder: Filled = KnowledgeRule().folder
    known: list[Filled] = Field(default_factory=list)


class DraftingTable(Table):
    """[drafting]: how far a draft may go, and what it may cost in a day."""

    timeout: Duration = DraftingRule().timeout
    attempts: Annotated[int, Field(ge=1, le=20)] = DraftingRule().attempts
    fallback_models: list[Filled] = Field(default_factory=list)
    daily_limit_usd: Annotated[float, Field(gt=0)] | None = None
    daily_limit_tokens: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeTables:
    """What could be read of all these tables; those with a fault are left out."""

    intake: IntakeTable = field(default_factory=IntakeTable)
    email: EmailTable | None = None
    mailbox: MailboxTable | None = None
    helpdesks: Mapping[str, HelpdeskTable] = field(default_factory=dict)
    knowledge: KnowledgeTable = field(default_factory=KnowledgeTable)
    drafting: DraftingTable = field(default_factory=DraftingTable)


def read_intake(
    document: Mapping[str, Any], names: Callable[[str], bool], read: ReadTable, faults: Faults
) -> IntakeTables:
    """The tables; `read` checks one against its form, `names` says whether a helpdesk may be called so."""
    raw = document.get("intake", {})
    nested = {key: raw[key] for key in NESTED if key in raw} if isinstance(raw, dict) else {}
    own = {key: value for key, value in raw.items() if key not in NESTED} if isinstance(raw, dict) else raw
    return IntakeTables(
        intake=read(own, IntakeTable, ("intake",), faults) or IntakeTable(),
        email=read(nested["email"], EmailTable, ("intake", "email"), faults) if "email" in nested else None,
        mailbox=read(nested["mailbox"], MailboxTable, ("intake", "mailbox"), faults) if "mailbox" in nested else None,
        helpdesks=_helpdesks(nested.get("helpdesks", {}), names, read, faults),
        knowledge=read(document.get("knowledge", {}), KnowledgeTable, ("knowledge",), faults) or KnowledgeTable(),
        drafting=read(document.get("drafting", {}), DraftingTable, ("drafting",), faults) or DraftingTable(),
    )


def _helpdesks(raw: object, names: Callable[[str], bool], read: ReadTable, faults: Faults) -> dict[str, HelpdeskTable]:
    place: Place = ("intake", "helpdesks")
    if not isinstance(raw, dict):
        faults.add(place, f"{dotted(place)} must be tables, [{dotted(place)}.NAME], not {shown(raw)}.")
        return {}
    found: dict[str, HelpdeskTable] = {}
    for name, table in raw.items():
        if not names(name):
            faults.add((*place, name), f"{shown(name)} cannot be a name here; use lower-case letters, digits, _ and -.")
        elif checked := read(table, HelpdeskTable, (*place, name), faults):
            found[name] = checked
    return found


def check_intake(
    tables: IntakeTables,
    channels: ChannelsTable | None,
    connectors: Mapping[str, ConnectorTable],
    known: Sequence[str],
    faults: Faults,
) -> None:
    """Add the faults that show only between these tables and the rest of the file."""
    _channels_are_not_ours(tables.intake, channels, faults)
    ways: list[tuple[Place, str | None, str | None]] = []
    if tables.email:
        ways.append((("intake", "email"), tables.email.connector, "email"))
    if tables.mailbox:
        ways.append((("intake", "mailbox"), tables.mailbox.connector, "email"))
    for name, helpdesk in tables.helpdesks.items():
        place: Place = ("intake", "helpdesks", name)
        ways.append((place, helpdesk.connector, "zendesk" if helpdesk.type == "zendesk" else None))
        _mapping(place, helpdesk, faults)
    for place, connector, type_ in ways:
        _answers(place, connector, type_, connectors, known, faults)
    mailbox = tables.mailbox
    if mailbox and not mailbox.tls and not is_loopback(mailbox.host):
        faults.add(("intake", "mailbox", "tls"), "intake.mailbox would send its password unencrypted; set tls to true.")


def _channels_are_not_ours(intake: IntakeTable, channels: ChannelsTable | None, faults: Faults) -> None:
    ours = {channels.review, channels.escalation, channels.ops, channels.log} if channels else set()
    for at, channel in enumerate(intake.channels):
        if channel in ours:
            faults.add(
                ("intake", "channels", at),
                f"intake.channels has {channel}, where Sayso itself posts; watch channels that customers write in.",
            )


def _mapping(place: Place, table: HelpdeskTable, faults: Faults) -> None:
    for key in table.fields:
        if key not in FIELDS:
            faults.add(
                (*place, "fields", key), f'[{dotted((*place, "fields"))}] has no "{key}"; {suggestion(key, FIELDS)}'
            )
    needed = () if table.type == "zendesk" else ("conversation", "text")
    for key in needed:
        if key not in table.fields:
            faults.add(
                (*place, "fields"), f"[{dotted((*place, 'fields'))}] has no {key}, which a mapping needs; add it."
            )
    if table.signature != "standard" and table.signature_header is None:
        faults.add(
            (*place, "signature"),
            f"{dotted(place)} has no signature_header, which names the header that is signed; add it.",
        )


def _answers(
    place: Place,
    connector: str | None,
    type_: str | None,
    connectors: Mapping[str, ConnectorTable],
    known: Sequence[str],
    faults: Faults,
) -> None:
    """What comes in this way must have one way out."""
    if connector is not None:
        if connector not in known:
            faults.add((*place, "connector"), f'There is no connector "{connector}"; {suggestion(connector, known)}')
        return
    if type_ is not None and len(_of_type(type_, connectors)) != 1:
        faults.add(
            place,
            f"[{dotted(place)}] cannot tell how replies go out; add connector with the name of one of type {type_}.",
        )


def _of_type(type_: str, connectors: Mapping[str, ConnectorTable]) -> list[str]:
    return [full_name(table.type, name) for name, table in connectors.items() if table.type == type_]


def build_intake(tables: IntakeTables, connectors: Mapping[str, ConnectorTable]) -> Intake:
    """The domain's word for [intake], connectors filled in."""
    return Intake(
        channels=tuple(tables.intake.channels),
        per_sender=tables.intake.per_sender,
        email=_email(tables.email, connectors) if tables.email else None,
        mailbox=_mailbox(tables.mailbox, connectors) if tables.mailbox else None,
        helpdesks={name: _helpdesk(name, table, connectors) for name, table in tables.helpdesks.items()},
    )


def _way_out(connector: str | None, type_: str, connectors: Mapping[str, ConnectorTable]) -> str | None:
    return connector or next(iter(_of_type(type_, connectors)), None)


def _email(table: EmailTable, connectors: Mapping[str, ConnectorTable]) -> MailListener:
    return MailListener(
        host=table.host,
        port=table.port,
        max_bytes=table.max_bytes,
        recipients=tuple(address.lower() for address in table.recipients),
        connector=_way_out(table.connector, "email", connectors),
    )


def _mailbox(table: MailboxTable, connectors: Mapping[str, ConnectorTable]) -> Mailbox:
    return Mailbox(
        host=table.host,
        username_env=table.username_env,
        password_env=table.password_env,
        port=table.port or (993 if table.tls else 143),
        tls=table.tls,
        folder=table.folder,
        every=table.every,
        max_bytes=table.max_bytes,
        connector=_way_out(table.connector, "email", connectors),
    )


def _helpdesk(name: str, table: HelpdeskTable, connectors: Mapping[str, ConnectorTable]) -> Helpdesk:
    fixed = _way_out(table.connector, "zendesk", connectors) if table.type == "zendesk" else table.connector
    return Helpdesk(
        name=name,
        type=table.type,
        secret_env=table.secret_env,
        connector=fixed,
        category=table.category,
        fields=table.fields,
        signature=table.signature,
        signature_header=table.signature_header,
    )


def build_knowledge(table: KnowledgeTable) -> KnowledgeRule:
    """The domain's word for [knowledge]."""
    return KnowledgeRule(folder=table.folder, known=tuple(table.known))


def build_drafting(table: DraftingTable) -> DraftingRule:
    """The domain's word for [drafting]."""
    return DraftingRule(
        timeout=table.timeout,
        attempts=table.attempts,
        fallback_models=tuple(table.fallback_models),
        daily_limit_usd=table.daily_limit_usd,
        daily_limit_tokens=table.daily_limit_tokens,
    )
