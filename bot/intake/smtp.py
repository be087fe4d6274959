"""An SMTP server of our own: an e-mail is acknowledged once its ticket is durable, and refused where it cannot be."""

import asyncio
from typing import Final

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.domain.errors import BadInput, SaysoError
from bot.domain.intake import MailListener
from bot.intake.post import PostRoom, Taken

IDLE_SECONDS: Final = 60.0
AT_ONCE: Final = 50
log = structlog.get_logger(__name__)


class Listener:
    """Listens between `start` and `stop`; it relays nothing."""

    def __init__(self, rule: MailListener, post: PostRoom) -> None:
        self._rule, self._post = rule, post
        self._server: asyncio.Server | None = None
        self._open = 0

    @property
    def port(self) -> int:
        """Where it listens: the policy's port, or a free one for port 0."""
        if self._server is None:
            raise BadInput("The SMTP listener does not run.")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen; BadInput where the port is taken."""
        loop = asyncio.get_running_loop()

        def serve() -> SMTP:
            return SMTP(
                self,
                data_size_limit=self._rule.max_bytes,
                enable_SMTPUTF8=True,
                hostname="sayso",
                ident="Sayso",
                timeout=IDLE_SECONDS,
                loop=loop,
            )

        try:
            self._server = await loop.create_server(serve, self._rule.host, self._rule.port)
        except OSError as error:
            where = f"port {self._rule.port} on {self._rule.host}"
            raise BadInput(f"E-mail cannot be received at {where} ({error.strerror}); change [intake.email].") from None

    async def stop(self) -> None:
        """Stop listening; who is in the middle of a message sends it again later."""
        if self._server:
            self._server.close()
            self._server = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mail for the team's own addresses only, where the policy names them."""
        if self._rule.recipients and address.lower() not in self._rule.recipients:
            return "550 5.1.1 Nobody here has this address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the ticket, then say OK; a temporary refusal lets the sender's server try again."""
        content = envelope.original_content or b""
        try:
            taken = await self._post.take(
                content, envelope_from=envelope.mail_from or "", connector=self._rule.connector
            )
        except SaysoError:
            return "451 4.3.0 The message cannot be kept now, try again later"
        except Exception:
            # Without this the library would refuse it for good.
            log.exception("mail_not_taken")
            taken = Taken.STUMBLED
        if taken is Taken.STUMBLED:
            return "451 4.3.0 The message could not be taken in, try again later"
        if taken is Taken.LATER:
            return "450 4.7.1 Too many messages from this sender, try again later"
        return "250 2.0.0 OK"
