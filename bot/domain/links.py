"""Where the links of a text really lead: their hosts, bare, whatever the words around them claim."""

import re
import unicodedata
from ipaddress import IPv4Address
from typing import Final
from urllib.parse import unquote

_AUTHORITY: Final = re.compile(r"\[[0-9A-Fa-f:.%]{2,60}\]|[^\s/?#\\<>\"|()\[\]{}`]{1,300}+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_SCRIPT: Final = re.compile(
    r"(?<![A-Za-z0-9])(javascript|vbscript)[ \t]*+:(?=\S)|(?<![A-Za-z0-9])(data):(?=[a-z]+/|[,;])",
    re.IGNORECASE,
)
_BARE: Final = re.compile(
    r"(?<![\w@%./-])(?:[^\W_][\w-]{0,62}+\.){1,8}"
    r"(?:(?:com|net|org|info|biz|io|co|app|dev|xyz|top|online|site|shop)(?![\w-]|\.\w)|[^\W\d_]{2,24}+(?=/))",
    re.IGNORECASE,
)
_WWW: Final = re.compile(r"(?<![\w@%./-])www\.[^\s/?#\\<>\"|()\[\]{}`]{1,250}+", re.IGNORECASE)
_IGNORED_IN_HOSTS: Final = re.compile(r"[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_WEB: Final = frozenset({"http", "https"})


def link_hosts(text: str) -> tuple[str, ...]:
    """The hosts of all links in a text, in order, each once.

    A host in other letters stands as `xn--pple-43d.com (аpple.com)`; a link that hides its host behind a
    user name, a bare number or an unusual scheme says so in brackets; `javascript:` and `data:` links are
    named as what they are.
    """
    found: list[tuple[int, str]] = []
    at = text.find("://")
    while at >= 0:
        host = _linked_host(text, at)
        if host:
            found.append((at, host))
        at = text.find("://", at + 3)
    found += [(match.start(), f"{(match[1] or match[2]).lower()}: link") for match in _SCRIPT.finditer(text)]
    for pattern in (_WWW, _BARE):
        found += [(match.start(), _named(match[0])) for match in pattern.finditer(text)]
    return tuple(dict.fromkeys(host for _, host in sorted(found, key=lambda pair: pair[0])))


def _linked_host(text: str, at: int) -> str:
    scheme = _SCHEME.search(text[max(0, at - 24) : at])
    name = scheme[0].lower() if scheme else ""
    authority = _AUTHORITY.match(text, at + 3)
    if authority is None:
        return f"{name}: link" if name == "file" else ""
    _, at_sign, host = authority[0].rpartition("@")
    remarks = [] if name in _WEB else [f"{name}: link"] if name else []
    if at_sign:
        remarks.append("after a user name")
    return _named(host, *remarks)


def _named(host: str, *remarks: str) -> str:
    bare = unicodedata.normalize("NFKC", _IGNORED_IN_HOSTS.sub("", unquote(host))).lower().replace("。", ".")
    if not bare.startswith("["):
        bare = bare.partition(":")[0].rstrip(".,;:!?'’*_~")
    shown = [*_other_spelling(bare), *remarks]
    return f"{_punycode(bare)} ({', '.join(shown)})" if shown else bare


def _other_spelling(host: str) -> list[str]:
    if not host.isascii():
        return [host]
    if "xn--" in host:
        return [".".join(_decoded(label) for label in host.split("."))]
    if re.fullmatch(r"\d{4,10}|0x[0-9a-f]{1,8}", host) and (number := int(host, 0 if "x" in host else 10)) < 2**32:
        return [str(IPv4Address(number))]
    return []


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        letters = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    # A label may decode to anything, so only letters, digits and hyphens are shown as such.
    return letters if all(letter.isalnum() or letter == "-" for letter in letters) else label


def _punycode(host: str) -> str:
    return ".".join(label if label.isascii() else _encoded(label) for label in host.split("."))


def _encoded(label: str) -> str:
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return label.encode("ascii", "backslashreplace").decode("ascii")
