"""Agents' tokens: 256 random bits shown once, kept as a SHA-256, with a scope, an owner, an expiry and a last use."""

import base64
import hashlib
import hmac
import re
import secrets
import time
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.audit import Event
from bot.domain.decision import SYSTEM
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.moment import text_of_time
from bot.ports import Clock, Reader, Store, Token, Tx

PREFIX: Final = "sayso_"
REMEMBERED: Final = 1.0
TOUCH_EVERY: Final = timedelta(minutes=1)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


class Scope(StrEnum):
    """What a token may do: read; propose (and read its own); admin (read everything)."""

    READ = "read"
    PROPOSE = "propose"
    ADMIN = "admin"


class Tokens:
    """Creates, recognises and revokes tokens."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, tuple[Token, float]] = {}

    async def create(
        self, name: str, scope: Scope, *, owner: str | None = None, lifetime: timedelta | None = None
    ) -> str:
        """A new token's secret, which is shown once and never kept.

        The name is the agent's: after a revoked token, a new one of its name goes on with that agent's cases.
        """
        if not _NAME.match(name):
            raise BadInput("A token's name has 1 to 64 letters, digits, dots, dashes or underscores.")
        if name.casefold() == SYSTEM.id:
            raise BadInput(f"{SYSTEM.name} itself goes by that name; choose another one for the agent.")
        secret = PREFIX + secrets.token_urlsafe(32)
        now = self._clock.now()
        token = Token(
            id=self._clock.new_id("tok"),
            name=name,
            prefix=secret[: len(PREFIX) + 4],
            hash=hashed(secret),
            scope=scope.value,
            owner=owner,
            created_at=now,
            expires_at=now + lifetime if lifetime else None,
        )

        def work(tx: Tx) -> None:
            if any(other.name == name and other.revoked_at is None for other in tx.tokens()):
                raise BadInput(f"There is a token {name} already; revoke it first, or choose another name.")
            tx.add_token(token)
            self._audit(tx, "token.created", name, scope.value)

        await self._store.transact(work)
        return secret

    async def revoke(self, name: str) -> None:
        """Revoke the live token of that name."""

        def work(tx: Tx) -> None:
            if not tx.revoke_token(name, self._clock.now()):
                raise NotFound(f"There is no live token {name}.")
            self._audit(tx, "token.revoked", name, "")

        await self._store.transact(work)

    async def recognise(self, secret: str) -> Token:
        """The live token of this secret; Refused for an unknown, expired or revoked one."""
        hash_, now = hashed(secret), self._clock.now()
        token = _live(await self._store.read(lambda tx: tx.token(hash_)), now)
        if _stale(token, now):
            await self._store.transact(lambda tx: tx.touch_token(token.id, now))
        self._known[hash_] = token, time.monotonic()
        return token

    async def recall(self, secret: str) -> Token:
        """As `recognise`, but perhaps as it was a second ago: for whoever asks `check` before anything is done."""
        token, at = self._known.get(hashed(secret), (None, 0.0))
        return token if token and time.monotonic() - at < REMEMBERED else await self.recognise(secret)

    def check(self, tx: Tx, token: Token) -> None:
        """Refused unless the token is live in this very transaction; one that was revoked a moment ago is not."""
        token = self.verify(tx, token)
        self._known[token.hash] = token, time.monotonic()
        if _stale(token, now := self._clock.now()):
            tx.touch_token(token.id, now)

    def verify(self, tx: Reader, token: Token) -> Token:
        """As `check`, for whoever only reads: a long poll may outlive the token that began it."""
        try:
            return _live(tx.token(token.hash), self._clock.now())
        except Refused:
            self._known.pop(token.hash, None)
            raise

    def _audit(self, tx: Tx, kind: str, name: str, scope: str) -> None:
        at = text_of_time(self._clock.now())
        tx.audit(Event(kind=kind, at=at, actor=SYSTEM, proposal_id=None, payload={"name": name, "scope": scope}))


def _live(token: Token | None, now: datetime) -> Token:
    if token is None:
        raise Refused(
            "This token is not known here; create one with `sayso tokens create NAME --scope propose`, in the database "
            "that this server uses (SAYSO_DATABASE_URL)."
        )
    if token.revoked_at is not None:
        raise Refused("This token was revoked; ask for a new one.")
    if token.expires_at is not None and token.expires_at <= now:
        raise Refused("This token has expired; ask for a new one.")
    return token


def _stale(token: Token, now: datetime) -> bool:
    return token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY


def hashed(secret: str) -> str:
    """SHA-256 in hex: enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def callback_secret(token_hash: str) -> str:
    """The Standard Webhooks secret of an agent's callbacks: HMAC-SHA256 of `sayso-callback` under the token's SHA-256.

    The agent, who has the token, computes the same: there is no second secret to hand over.
    """
    key = hmac.new(bytes.fromhex(token_hash), b"sayso-callback", hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(key).decode()
