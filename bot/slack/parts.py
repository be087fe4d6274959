"""The parts of a case that cards, windows and lists share: whose it is, what would happen, on what grounds."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.domain.canonical import Json
from bot.domain.links import link_hosts
from bot.domain.masking import hide_named
from bot.domain.proposal import Action, Content, Evidence, Proposal, Reply, Role
from bot.domain.text import reveal, reveal_name, shorten
from bot.slack.blocks import (
    PAGE,
    Block,
    Element,
    all_shown,
    channel,
    line,
    link,
    masked_kinds,
    one_line,
    packed,
    pages,
    quote,
    rich,
    shown,
    words,
)

NAME: Final = 200
WARNING: Final = 500
LINKS: Final = 10
SOURCES: Final = 4
AROUND: Final = 30
LONGEST_LINK: Final = 2000
_STARTS_JSON: Final = frozenset('"[{-0123456789tfn')
_SPELLED: Final = re.compile(r"<U\+[0-9A-F]{4,6}[^<>]{0,20}>|⟨[^⟨⟩]{1,40}⟩")
_SLACK_THREAD: Final = re.compile(r"slack:([CDG][A-Z0-9]+):")


def cell(value: Json) -> str:
    """An argument's value as a reader expects it: words as they are, everything else as JSON.

    Words that would read as something else stand in quotes: the text "50" beside the number 50.
    """
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f'"{value}"' if looks_like_json(value) else value


def looks_like_json(text: str) -> bool:
    """Whether words could be taken for a number, for true, false or null, for a list, an object or a quoted text."""
    text = text.strip()
    if not text or text[0] not in _STARTS_JSON:
        return False
    if text[0] == text[-1] == '"':
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def who(customer: Mapping[str, Json]) -> str:
    """What to call the customer."""
    names = (one_line(str(customer[key]), NAME) for key in ("name", "email", "id") if customer.get(key))
    return next((name for name in names if name), "the customer")


def speaker(role: Role, customer: Mapping[str, Json]) -> str:
    """Whose words these are: the customer's name, or which of us spoke."""
    return {"customer": who(customer), "agent": "Support", "ai": "AI"}[role]


def what(content: Content, customer: Mapping[str, Json]) -> list[Element]:
    """What would happen and for whom, in bold: `Reply to Ana Lopez`, `refund for Ana Lopez`."""
    name = words(shown(who(customer), 80), bold=True)
    if isinstance(content, Reply):
        return [words("Reply to ", bold=True), name]
    return [words(shown(content.name, 80), bold=True, code=True), words(" for "), name]


def named(proposal: Proposal) -> str:
    """What a case is called in a sentence: `Reply to Ana Lopez`, `refund for Ana Lopez`."""
    name = shown(who(proposal.conversation.customer), 80)
    content = proposal.content
    return f"Reply to {name}" if isinstance(content, Reply) else f"{shown(content.name, 80)} for {name}"


def spoken(text: str, limit: int) -> list[Element]:
    """Somebody's words behind a bar, and below them that the full case has the rest, where it is cut."""
    rest = [] if all_shown(text, limit) else [line(words("The rest of it is in the full case.", italic=True))]
    return [quote(*pages(shown(text, limit))), *rest]


def masked_in(content: Content) -> tuple[str, ...]:
    """What of it is masked in a channel, such as `password`: whoever approves reads it in a window first."""
    kinds = masked_kinds(_all_of(content))
    named = isinstance(content, Action) and hide_named(content.args) != content.args
    return tuple(dict.fromkeys([*kinds, *(["password"] if named else [])]))


def _all_of(content: Content) -> str:
    if isinstance(content, Reply):
        return content.text
    return "\n".join(text for text in (*content.args, *(text for _, text in _cells(content))) if text)


def banner(content: Content, *, masked: bool = True, in_fields: bool = False) -> list[Block]:
    """What a reviewer could overlook: characters that hide, secrets that are `masked`, where links really lead.

    Fields show everything as it is, so that above them, `in_fields`, the places of what hides are spelled out here.
    """
    text = _all_of(content)
    lines: list[Element] = []
    if hidden := reveal(text).hidden:
        where = "in the fields below" if in_fields else "spelled out above"
        named = shorten("; ".join(hidden), WARNING)
        lines += [line(words(f"⚠ Hidden characters, {where}: ", bold=True), words(named))]
        lines += _places(content) if in_fields else []
    if kinds := masked_in(content):
        said = "⚠ Masked here, but it would go out in full: " if masked else "⚠ Masked elsewhere, in full here: "
        lines += [line(words(said, bold=True), words(", ".join(kinds)))]
    if hosts := link_hosts(text):
        lines.append(_links(hosts))
    return packed(lines)


def _places(content: Content) -> list[Element]:
    """Every place in the fields where something hides: the words around it, with what hides spelled out."""
    fields = [("Reply", content.text)] if isinstance(content, Reply) else [*_cells(content)]
    found = [(name, around) for name, text in fields if (around := _around_hidden(text))]
    lines: list[Element] = []
    for name, around in found:
        lines += [line(words(f"{shorten(reveal_name(name), 80)}:")), *map(quote, pages(" … ".join(around), PAGE))]
    return lines


def _cells(content: Action) -> list[tuple[str, str]]:
    return [(name, cell(value)) for name, value in content.args.items()]


def _around_hidden(text: str) -> list[str]:
    """The stretches of a text in which something is spelled out."""
    spelled, spans = reveal(text).text, list[tuple[int, int]]()
    if spelled == text:
        return []
    for match in _SPELLED.finditer(spelled):
        start, end = max(match.start() - AROUND, 0), match.end() + AROUND
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [spelled[start:end] for start, end in spans]


def _links(hosts: Sequence[str]) -> Element:
    """Where links lead; those first that hide it, for a remark in brackets says how, and the others can be decoys."""
    hiding = [host for host in hosts if "(" in host]
    named = list(dict.fromkeys([*hiding, *hosts]))
    label = "⚠ A link hides where it leads: " if hiding else "Links lead to: "
    rest = f" and {len(named) - LINKS} more" if len(named) > LINKS else ""
    told = ", ".join(shown(host, 100) for host in named[:LINKS])
    return line(words(label, bold=True), words(shorten(told, WARNING) + rest))


def destination(proposal: Proposal) -> list[Element]:
    """Whom the words reach, where Sayso carries them itself: an approval covers that too."""
    match proposal.connector.partition(":")[0]:
        case "slack_thread" if found := _SLACK_THREAD.match(proposal.recipient):
            return [words("a thread in "), channel(found[1])]
        case "email" | "zendesk" as kind:
            return [words(f"{'ticket ' if kind == 'zendesk' else ''}{one_line(proposal.recipient, 150)}")]
        case _:
            return []


def goes_to(proposal: Proposal) -> list[Element]:
    """Where an approval sends it, where Sayso carries it itself: to the customer, or to a receiver of the team's."""
    kind, _, name = proposal.connector.partition(":")
    return [words("the webhook "), words(name, code=True)] if kind == "webhook" else destination(proposal)


def evidence(proposal: Proposal) -> list[Block]:
    """The sources that the draft rests on."""
    sources = proposal.evidence
    if not sources:
        return []
    if len(sources) == 1:
        return [rich(line(words("Source: ", bold=True), *_source(sources[0])))]
    lines = [line(words("• "), *_source(source)) for source in sources[:SOURCES]]
    if len(sources) > SOURCES:
        lines.append(line(words(f"{len(sources) - SOURCES} more in the full case", italic=True)))
    return [rich(line(words("Sources", bold=True)), *lines)]


def _source(source: Evidence) -> list[Element]:
    parts = [words(one_line(source.title, 120))]
    if source.quote:
        parts.append(words(f" “{one_line(source.quote, 220)}”", italic=True))
    if found := safe_link(source.url):
        parts += [words(" "), *found]
    return parts


def safe_link(url: str | None, longest: int = LONGEST_LINK) -> list[Element]:
    """An https link whose text is its bare host, so that it cannot pretend; nothing for a longer or another address."""
    # Browsers leave line breaks and tabs out of an address, so that its host would be another one.
    usable = url and url.startswith("https://") and len(url) < longest and url.isprintable() and " " not in url
    hosts = link_hosts(url) if url and usable else ()
    return [link(url, shown(hosts[0], 80))] if url and hosts else []
