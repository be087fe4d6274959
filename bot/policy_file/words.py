"""The values of the policy file that are more than plain TOML: durations, ids, addresses, conditions.

Each function takes what the file says and gives the value, or raises ValueError with the end of a sentence
that begins with the name of the key: "must be a channel id such as C0123ABCD".
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from bot.domain.condition import Condition, compile_condition
from bot.domain.errors import BadInput
from bot.policy_file.dead import why_dead

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST: Final = timedelta(days=366)
LONGEST_CONDITION: Final = 500
LONGEST_SHOWN: Final = 60
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:\*\.(?={_LABEL}\.))?{_LABEL}(?:\.{_LABEL})*")


def duration(value: object) -> timedelta:
    """A length of time such as "90s", "30m", "4h" or "2d", at most 366 days."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'must be a duration such as "90s", "30m", "4h" or "2d", not {shown(value)}')
    length = timedelta(**{UNITS[match[2]]: int(match[1])})
    if length > LONGEST:
        raise ValueError(f"must be at most 366 days, not {shown(value)}")
    return length


def positive(value: timedelta) -> timedelta:
    """A length of time above zero."""
    if not value:
        raise ValueError('must be longer than nothing; write for example "24h"')
    return value


def matching(pattern: str, must_be: str) -> Callable[[str], str]:
    """A check that a text matches the whole pattern; `must_be` says what it must be, with an example."""
    whole = re.compile(pattern)

    def check(value: str) -> str:
        if not whole.fullmatch(value):
            raise ValueError(f"must be {must_be}, not {shown(value)}")
        return value

    return check


channel_id: Final = matching(
    r"[CG][A-Z0-9]+", "a channel id such as C0123ABCD (at the foot of the channel's details in Slack)"
)
person_id: Final = matching(r"[UWS][A-Z0-9]+", "a user id such as U0123ABCD or a user group id such as S0123ABCD")
team_id: Final = matching(r"[TE][A-Z0-9]+", "a workspace id such as T0123ABCD")


def distinct(value: list[str]) -> list[str]:
    """A list in which nothing stands twice."""
    if twice := next((item for at, item in enumerate(value) if item in value[:at]), None):
        raise ValueError(f"names {twice} twice; keep one of them")
    return value


def filled(value: str) -> str:
    """A text that is not blank."""
    if not value.strip():
        raise ValueError("must not be blank; write the text, or remove the key")
    return value


def environment_name(value: str) -> str:
    """The name of an environment variable; never repeated in an error, since it may be the secret itself."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        raise ValueError(
            "must be the name of an environment variable in capitals, such as PAYMENTS_SECRET, never the secret itself"
        )
    return value


def callback_host(value: str) -> str:
    """A host name in lower case, exact or with `*.` for everything below it."""
    host = value.lower()
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise ValueError(
            'must be host names such as "hooks.example.com" or "*.example.com", '
            f"without scheme, port and path, not {shown(value)}"
        )
    return host


def web_address(value: str) -> str:
    """An https address, or plain http to this machine; never repeated in an error: it may hold a password."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError('must be a web address such as "https://pay.example.com/hook"')
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; name environment variables for them")
    if parts.fragment:
        raise ValueError("must not have a part after #, which is never sent")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError("must begin with https:// (plain http only to this machine itself, such as 127.0.0.1)")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or its address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def condition(value: object) -> Condition:
    """A CEL condition on one line that compiles, can be true or false, and depends on the case."""
    source = value.strip() if isinstance(value, str) else ""
    if not source:
        raise ValueError(f'must be a condition such as "args.amount <= 50", not {shown(value)}')
    if "\n" in source:
        raise ValueError('must stand on one line; inside """ end a line with \\ to go on in the next')
    if len(source) > LONGEST_CONDITION:
        raise ValueError(f"must be at most {LONGEST_CONDITION} characters long; split it, or simplify it")
    try:
        compiled = compile_condition(source)
    except BadInput as error:
        raise ValueError(f"cannot be used: {_plainly(error.sentence.removesuffix('.'))}") from None
    if dead := why_dead(compiled):
        raise ValueError(f'cannot be used: the condition "{source}" {dead}')
    return compiled


def _plainly(complaint: str) -> str:
    """A parser's complaint without the list of all that could have stood there."""
    short = complaint.partition(" expecting {")[0].replace("Syntax error: ", "").replace("input '<EOF>'", "end")
    return re.sub(r"ERROR: <input>:1:(\d+): ", r"at character \1, ", short)


def shown(value: object) -> str:
    """A value as the file would write it, cut short."""
    match value:
        case bool():
            said = str(value).lower()
        case str():
            said = f'"{value}"' if len(value) <= LONGEST_SHOWN else f'"{value[: LONGEST_SHOWN - 1]}…"'
        case int() if abs(value) >= 10**15:
            said = "so large a number"
        case int() | float():
            said = str(value)
        case list():
            said = "a list"
        case dict():
            said = "a table"
        case _:
            said = "a date or time"
    return said
