"""A mailbox read by IMAP: what is unseen becomes a ticket, and is marked as seen once that is durable."""

import asyncio
import contextlib
import imaplib
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog

from bot.domain.errors import BadInput
from bot.domain.intake import Mailbox
from bot.errands import Line
from bot.intake.bell import Bell
from bot.intake.mime import scrubbed
from bot.intake.post import PostRoom, Taken

PATIENCE: Final = 30.0
BATCH: Final = 20
TRIES: Final = 3
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
        self._stumbles: Counter[str] = Counter()
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
            except Exception as error:
                # Whatever goes wrong, the next customer's e-mail is looked for again.
                failures += 1
                log.warning("mailbox_unreadable", error=str(error)[:300], exc_info=not isinstance(error, FAULTS))
                await self._complain(error)
            pause = self._rule.every.total_seconds() * 2 ** min(failures, 5)
            await asyncio.sleep(min(pause, max(LONGEST_PAUSE, self._rule.every.total_seconds())))

    async def _complain(self, error: Exception) -> None:
        lines = [Line(label="Where", text=self._rule.host), Line(label="Why", text=_plainly(error))]
        try:
            await self._bell.ring("mailbox", "The mailbox cannot be read; Sayso tries again.", lines, level="alarm")
        except Exception:
            # An alarm that fails, as with a full disk, must not end the reader: the mailbox is looked at again.
            log.exception("mailbox_alarm_not_rung")

    async def look(self) -> int:
        """Take in what is unseen, twenty at a time; how many tickets that were."""
        kept = 0
        for uid, raw in await asyncio.to_thread(self._unseen):
            if raw is None:
                await self._withheld(uid)
                continue
            taken = await self._post.take(raw, envelope_from=None, connector=self._rule.connector)
            if taken is Taken.LATER or (taken is Taken.STUMBLED and not await self._gave_up(uid, raw)):
                self._put_off(uid)
                continue
            await asyncio.to_thread(self._mark, uid)
            kept += taken is Taken.KEPT
        return kept

    async def _withheld(self, uid: str) -> None:
        lines = [Line(label="Where", text=f"{self._rule.host}, UID {uid}")]
        title = "The mail server does not give an e-mail: open the mailbox and look at it there."
        await self._bell.ring("withheld", title, lines, level="alarm")

    async def _gave_up(self, uid: str, raw: bytes) -> bool:
        """Whether it is a person's now, after the last try."""
        self._stumbles[uid] += 1
        if self._stumbles[uid] < TRIES:
            return False
        await self._post.give_up(raw)
        del self._stumbles[uid]
        return True

    def _put_off(self, uid: str) -> None:
        """What has to wait may not stand in the way of what came after it."""
        self._later[uid] = time.monotonic() + LONGEST_PAUSE

    def _unseen(self) -> list[tuple[str, bytes | None]]:
        """What came, the oldest first; None for what the server does not give."""
        with self._session() as session:
            _, answer = session.uid("SEARCH", "UNSEEN")
            uids = [uid.decode() for uid in (answer[0] or b"").split()] if answer else []
            now = time.monotonic()
            self._later = {uid: until for uid, until in self._later.items() if until > now}
            due = [uid for uid in uids if uid not in self._later][:BATCH]
            return [(uid, self._fetched(session, uid)) for uid in due]

    def _fetched(self, session: imaplib.IMAP4, uid: str) -> bytes | None:
        """The beginning, which has the headers and the words; what lies behind it are attachments."""
        parts: list[object] = []
        try:
            _, parts = session.uid("FETCH", uid, f"(BODY.PEEK[]<0.{self._rule.max_bytes}>)")
        except imaplib.IMAP4.abort:
            # If it is this one that breaks the line, then the others go first next time.
            self._put_off(uid)
            raise
        except imaplib.IMAP4.error as error:
            log.warning("mail_withheld", uid=uid, error=str(error)[:300])
        raw = next((item[1] for item in parts if isinstance(item, tuple)), None)
        if isinstance(raw, bytes):
            return raw
        self._put_off(uid)
        return None

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
    return scrubbed(" ".join(str(error).split())[:200]) or type(error).__name__
