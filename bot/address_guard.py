"""Which addresses Sayso may send requests to: hosts that the policy lists, at public addresses, over https.

SaysoError
├── NotSent            certainly never reached the receiver: trying again is safe
│   └── UnsafeAddress  and never will: the address itself is refused
└── MayHaveArrived     the request began to be written: only the receiver knows
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.domain.errors import BadInput, SaysoError

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses as text; raises OSError where there are none."""

MAX_URL_LENGTH: Final = 2_048
_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_UNWELCOME: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")
_AUTHORITY: Final = re.compile(r"[A-Za-z]+://([^/?#]*)")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
# A name that ends in a number is read as an IPv4 address: 127.1, 0x7f000001, 2130706433, 0177.0.0.1.
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")

# IANA's special-purpose registries, and the addresses of cloud metadata that lie outside them.
_INSIDE_4: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *(
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
    ),
    *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    "168.63.129.16/32",
)
# Outside 2000::/3 lie loopback, mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96), unique local, link-local,
# multicast.
_PUBLIC_6: Final = "2000::/3"
_INSIDE_6: Final = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")


class NotSent(SaysoError):
    """The request certainly never reached the receiver."""


class UnsafeAddress(NotSent, BadInput):
    """The address is one that Sayso does not send to; the sentence says which rule it breaks."""


class MayHaveArrived(SaysoError):
    """The receiver may have acted on the request; `status` is its answer's, where one began."""

    def __init__(self, sentence: str, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What the policy allows: `hooks.example.com`, `*.example.com` (all below it), `host:8443`.

    An entry without a port means 443. `allow_loopback_http` is local mode: http and https to 127.0.0.1,
    [::1] and localhost, any port. Raises BadInput for an entry that names no host.
    """

    allowed_hosts: frozenset[str]
    allow_loopback_http: bool
    _places: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", frozenset(map(_place, self.allowed_hosts)))

    def check_url(self, url: str) -> URL:
        """The address as it will be used, or UnsafeAddress; what its name leads to, PinnedResolver checks."""
        parsed = _parsed(url)
        host = parsed.raw_host or ""
        if host in _LOOPBACK_HOSTS:
            if self.allow_loopback_http:
                return parsed
            raise UnsafeAddress(f"{host} is this machine itself, which only local mode may call.")
        if parsed.scheme != "https":
            raise UnsafeAddress(f"{host} must be called over https: write https:// in front.")
        if ":" in host or _NUMERIC.fullmatch(host):
            raise UnsafeAddress(f"{host} is a bare address: write the host's name.")
        if host.endswith("."):
            raise UnsafeAddress(f"{host} ends in a full stop: write the host without it.")
        if not _HOST.fullmatch(host):
            raise UnsafeAddress(f"{host[:80]} is not a host name.")
        if not self._allows(host, parsed.port or 443):
            place = host if parsed.port == 443 else f"{host}:{parsed.port}"
            raise UnsafeAddress(f"The policy does not list {place} among the hosts that may be called.")
        return parsed

    def check_address(self, host: str, address: str) -> None:
        """Raise UnsafeAddress if what a name resolved to is no public address."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            raise UnsafeAddress(f"{host} resolves to something that is no address.") from None
        if not _is_public(parsed):
            raise UnsafeAddress(f"{host} leads to {parsed}, which is no public address: nothing was sent.")

    def _allows(self, host: str, port: int) -> bool:
        labels = host.split(".")
        parents = (".".join(labels[start:]) for start in range(1, len(labels)))
        return f"{host}:{port}" in self._places or any(f"*.{parent}:{port}" in self._places for parent in parents)


class PinnedResolver(AbstractResolver):
    """Resolves a name once, refuses it if any of its addresses is not public, and hands over just those.

    The connection goes to what was checked, so a name that changes its mind between check and use gains
    nothing.
    """

    def __init__(self, guard: Guard, lookup: Lookup | None = None) -> None:
        self._guard = guard
        self._lookup = lookup or _system_lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The checked addresses of a host; OSError where it has none, UnsafeAddress where one is inside."""
        if host == "localhost" and self._guard.allow_loopback_http:
            return [_result(host, "127.0.0.1", port), _result(host, "::1", port)]
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            self._guard.check_address(host, address)
        results = [_result(host, address, port) for address in addresses]
        return [result for result in results if family in (socket.AF_UNSPEC, result["family"])]

    async def close(self) -> None:
        """Nothing is held open."""


def _parsed(url: str) -> URL:
    if len(url) > MAX_URL_LENGTH:
        raise UnsafeAddress(f"The address has more than {MAX_URL_LENGTH:,} characters.")
    if _UNWELCOME.search(url):
        raise UnsafeAddress("The address holds a blank, a backslash or a control character: remove it.")
    authority = _AUTHORITY.match(url)
    if authority is None or not url.lower().startswith(("https://", "http://")):
        raise UnsafeAddress("The address must begin with https:// and a host.")
    if "@" in authority[1] or "%" in authority[1]:
        raise UnsafeAddress("The address holds a user name, a password or an escaped host: leave only the host.")
    if "#" in url:
        raise UnsafeAddress("The address holds a fragment: leave out # and what follows.")
    try:
        parsed = URL(url)
        complete = bool(parsed.raw_host and parsed.port)
    except ValueError:
        complete = False
    if not complete:
        raise UnsafeAddress("The address is not a web address: write it as https://host/path.")
    return parsed


def _place(entry: str) -> str:
    """A policy's entry as `host:port`, in the spelling that a parsed address has."""
    wildcard, name = ("*.", entry[2:]) if entry.startswith("*.") else ("", entry)
    try:
        parsed = _parsed(f"https://{name}")
    except UnsafeAddress:
        parsed = URL()
    host = parsed.raw_host or ""
    if parsed.path not in ("", "/") or not _HOST.fullmatch(host) or _NUMERIC.fullmatch(host):
        raise BadInput(f"{entry!r} names no host that may be called: write hooks.example.com or *.example.com.")
    if wildcard and "." not in host:
        raise BadInput(f"{entry!r} would allow a whole top-level domain: name a domain below it.")
    return f"{wildcard}{host}:{parsed.port}"


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not _in_any(address, _INSIDE_4)
    return _in_any(address, (_PUBLIC_6,)) and address.is_global and not _in_any(address, _INSIDE_6)


def _in_any(address: IPv4Address | IPv6Address, networks: Sequence[str]) -> bool:
    return any(address in ip_network(network) for network in networks)


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


async def _system_lookup(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
