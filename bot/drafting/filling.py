"""An earlier reply made fit for another customer: nothing of the first stays, only what the ticket states comes in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.canonical import Json
from bot.drafting.particulars import Particular, offered, particulars

_GREETING: Final = re.compile(
    r"\A(?P<hail>\s*(?:Dear|Hi|Hello|Hey|Good (?:morning|afternoon|evening|day)))[ ,]+"
    r"(?P<title>(?:Mr|Mrs|Ms|Miss|Dr)\.? )?"
    r"(?P<name>[^\W\d_][\w'’-]*(?: [^\W\d_a-z][\w'’-]*){0,2})(?=\s*(?:[,!.:;–—-]|\n|\Z))"
)
_NOBODY: Final = frozenset(
    {"there", "all", "team", "customer", "sir", "madam", "everyone", "friend", "valued customer"}
)
_SIGNED: Final = re.compile(
    r"(?i:thanks|thank you|regards|wishes|best|cheers|sincerely|yours)[,.!]*[ \t]*\n+[ \t]*"
    r"(?P<name>[^\W\d_a-z][\w'’-]+(?: [^\W\d_a-z][\w'’-]+){0,2})[ \t]*\Z"
    r"|\b(?i:my name is) (?P<told>[^\W\d_a-z][\w'’-]+)",
)
# An order number, a sum or a day belongs to one case unless something else says it too; a count or a link rarely does.
_PERSONAL: Final = frozenset({"identifier", "e-mail address", "amount", "date"})
_CUE_WORDS: Final = (
    "order invoice tracking ticket case account booking reservation reference customer policy contract parcel "
    "shipment claim card phone flight serial number"
)
_CUES: Final = frozenset(_CUE_WORDS.split())
_VOCABULARY: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The reply for this customer; `holes` names what it still needs, each standing in the text as `[order number]`."""

    text: str
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The ticket, the earlier one and what is confirmed elsewhere, as far as filling needs them."""

    ticket: str
    stated: tuple[Particular, ...]
    ticket_words: frozenset[str]
    earlier: frozenset[str]
    earlier_words: frozenset[str]
    confirmed: frozenset[str]
    confirmed_words: frozenset[str]
    name: str | None


def fill(reply: str, *, ticket: str, earlier: str, confirmed: Iterable[str] = (), name: str | None = None) -> Filled:
    """Put this customer's particulars in the places of the earlier customer's.

    `ticket` and `earlier` are everything that each of the two tickets states, `confirmed` texts whose statements hold
    for everybody, `name` the customer's. What cannot be told becomes a hole.
    """
    material = "\n".join(confirmed)
    case = Case(
        ticket=ticket,
        stated=tuple(particulars(ticket)),
        ticket_words=_words(ticket),
        earlier=offered(earlier),
        earlier_words=_words(earlier),
        confirmed=offered(material),
        confirmed_words=_words(material),
        name=name,
    )
    opening, body = _greeted(reply, name)
    parts: list[str] = []
    holes: list[str] = []
    at = 0
    for one in particulars(body):
        if not _is_earlier(one, case):
            continue
        value = _value(one, body, case)
        if value is None:
            holes.append(_label(one, body))
            value = f"[{holes[-1]}]"
        parts += [body[at : one.start], value]
        at = one.end
    return Filled(text=opening + "".join([*parts, body[at:]]), holes=tuple(dict.fromkeys(holes)))


def customer_name(customer: Mapping[str, Json], newest: str) -> str | None:
    """The customer's name where the ticket states it: in its customer record, or as the message's signature."""
    name = customer.get("name")
    if isinstance(name, str) and name.strip():
        return " ".join(name.split())
    signed = _SIGNED.search(newest[-2_000:].rstrip())
    return (signed["name"] or signed["told"]) if signed else None


def _greeted(reply: str, name: str | None) -> tuple[str, str]:
    """The greeting for this customer, and the rest: a greeting's name is always the earlier customer's."""
    found = _GREETING.match(reply)
    if found is None or found["name"].casefold() in _NOBODY:
        return "", reply
    rest = reply[found.end() :]
    if name is None:
        hail = found["hail"].replace("Dear", "Hello")
        return hail, rest
    whole = found["title"] or " " in found["name"]
    return f"{found['hail']} {name if whole else name.split()[0]}", rest


def _is_earlier(one: Particular, case: Case) -> bool:
    """Whether a particular of the reply belongs to the earlier case and not to everybody, nor to this ticket."""
    if one.kind == "name":
        word = one.text.casefold()
        theirs = set(_VOCABULARY.findall(word)) <= case.earlier_words
        return theirs and word not in case.ticket_words and word not in case.confirmed_words
    if not one.keys.isdisjoint(case.confirmed) or any(not one.keys.isdisjoint(own.keys) for own in case.stated):
        return False
    if not one.keys.isdisjoint(case.earlier):
        return True
    return one.kind in _PERSONAL or (one.kind == "link" and bool(re.search(r"[?&=]|\d{5}", one.text)))


def _value(one: Particular, body: str, case: Case) -> str | None:
    """The counterpart in this ticket, if there is exactly one that fits."""
    if one.kind == "name":
        return case.name.split()[0] if case.name else None
    was_stated = not one.keys.isdisjoint(case.earlier)
    same = {own.keys: own for own in case.stated if own.kind == one.kind}
    cue = _cue(body, one.start)
    cued = [own for own in same.values() if cue and _cue(case.ticket, own.start) == cue]
    if len(cued) == 1 and one.kind == "identifier":
        return cued[0].text
    if not was_stated or len(same) != 1:
        return None
    only = next(iter(same.values()))
    return only.text if one.kind != "identifier" or _shape(only.text) == _shape(one.text) else None


def _cue(text: str, at: int) -> str | None:
    before = [word.casefold() for word in _VOCABULARY.findall(text[max(0, at - 40) : at])][-4:]
    found = [word for word in before if word in _CUES]
    specific = [word for word in found if word != "number"]
    return specific[-1] if specific else None


def _shape(text: str) -> str:
    return re.sub(r"[a-z]+", "a", re.sub(r"\d+", "9", text.casefold().strip("#")))


def _label(one: Particular, body: str) -> str:
    if one.kind != "identifier":
        return one.kind
    cue = _cue(body, one.start)
    return f"{cue} number" if cue else "number"


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _VOCABULARY.findall(text))
