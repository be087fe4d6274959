"""A mailbox read by IMAP: what is unseen becomes a ticket, and is marked as seen once that is durable."""

import asyncio
import contextlib
import imaplib
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog

from bot.domain.errors import BadInput, SaysoError
from bot.domain.intake import Mailbox
from bot.errands import Line
from bot.intake.bell import Bell
from bot.intake.post import PostRoom, Taken

PATIENCE: Final = 30.0
BATCH: Final = 20
LONGEST_PAUSE: Final = 600.0
FAULTS: Final = (imaplib.IMAP4.error, OSError, ssl.SSLError, EOFError)
log = structlog.get_logger(__name__)


class MailboxReader:
    """Looks now and then; imaplib blocks, so each look is a thread's."""

    def __init__(
        self,
        rule: Mailbox,
        post: PostRoom,
        bell: Bell,
        environ: Mapping[str, str],
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._rule, self._post, self._bell, self._tls_context = rule, post, bell, tls_context
        self._username = _needed(environ, rule.username_env)
        self._password = _needed(environ, rule.password_env)
        self._later: dict[str, float] = {}
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.create_task(self._run(), name="sayso-mailbox")

    async def stop(self) -> None:
        """Stop looking; what was not marked as seen is found again."""
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self.look()
                failures = 0
            except (*FAULTS, SaysoError) as error:
                failures += 1
                log.warning("mailbox_unreadable", error=str(error)[:300])
                lines = [Line(label="Where", text=self._rule.host), Line(label="Why", text=_plainly(error))]
                with contextlib.suppress(SaysoError):
                    await self._bell.ring(
                        "mailbox", "The mailbox cannot be read; Sayso tries again.", lines, level="alarm"
                    )
            pause = self._rule.every.total_seconds() * 2 ** min(failures, 5)
            await asyncio.sleep(min(pause, max(LONGEST_PAUSE, self._rule.every.total_seconds())))

    async def look(self) -> int:
        """Take in what is unseen, twenty at a time; how many tickets that were."""
        kept = 0
        for uid, raw in await asyncio.to_thread(self._unseen):
            taken = await self._post.take(raw, envelope_from=None, connector=self._rule.connector)
            if taken is Taken.LATER:
                self._later[uid] = time.monotonic() + LONGEST_PAUSE
                continue
            await asyncio.to_thread(self._mark, uid)
            kept += taken is Taken.KEPT
        return kept

    def _unseen(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        with self._session() as session:
            _, answer = session.uid("SEARCH", "UNSEEN")
            uids = (answer[0] or b"").split() if answer else []
            now = time.monotonic()
            self._later = {uid: until for uid, until in self._later.items() if until > now}
            # What has to wait may not stand in the way of what came after it.
            for uid in [uid for uid in uids if uid.decode() not in self._later][:BATCH]:
                # The beginning has the headers and the words; what lies behind it are attachments.
                part = f"(BODY.PEEK[]<0.{self._rule.max_bytes}>)"
                _, parts = session.uid("FETCH", uid.decode(), part)
                raw = next((item[1] for item in parts if isinstance(item, tuple)), None)
                if isinstance(raw, bytes):
                    found.append((uid.decode(), raw))
        return found

    def _mark(self, uid: str) -> None:
        with self._session() as session:
            session.uid("STORE", uid, "+FLAGS", r"(\Seen)")

    @contextmanager
    def _session(self) -> Iterator[imaplib.IMAP4]:
        rule = self._rule
        session = (
            imaplib.IMAP4_SSL(
                rule.host,
                rule.port,
                ssl_context=self._tls_context or ssl.create_default_context(),
                timeout=PATIENCE,
            )
            if rule.tls
            else imaplib.IMAP4(rule.host, rule.port, timeout=PATIENCE)
        )
        try:
            session.login(self._username, self._password)
            status, answer = session.select(_quoted(rule.folder))
            if status != "OK":
                raise imaplib.IMAP4.error(f"there is no folder {rule.folder}: {answer!r}")
            yield session
        finally:
            with contextlib.suppress(*FAULTS):
                session.logout()


def _needed(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise BadInput(f"The mailbox needs the environment variable {variable}: set it.")
    return value


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plainly(error: Exception) -> str:
    """What went wrong; never more of the server's answer than a line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
