"""Signatures of the Standard Webhooks specification, through its own library."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bot.domain.errors import BadInput, SaysoError

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = (24, 64)  # the specification's own limits


class UnusableSecret(BadInput):
    """A signing secret that cannot be used; the sentence never contains the secret."""


class BadSignature(SaysoError):
    """A message that does not prove where it comes from."""


def sign(secret: str, *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign a body: `webhook-id`, `webhook-timestamp` (whole seconds), `webhook-signature`.

    `body` is UTF-8 and `at` knows its time zone. Raises UnusableSecret, or BadInput for an id, time or body
    that the specification cannot carry.
    """
    if not message_id.isascii() or not message_id.isprintable() or not message_id or set(message_id) & {" ", "."}:
        raise BadInput("A message id is printable ASCII without blanks and full stops.")
    if at.tzinfo is None:
        raise BadInput("The time of signing needs a time zone.")
    moment = at.astimezone(UTC).replace(microsecond=0)  # the library takes any datetime for UTC
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": _webhook(secret).sign(message_id, moment, body.decode()),
    }


def verify(secret: str, *, headers: Mapping[str, str], body: bytes) -> None:
    """Raise BadSignature unless the body was signed with this secret within five minutes of now."""
    webhook = _webhook(secret)
    try:
        webhook.verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        raise BadSignature(f"The webhook signature does not hold: {str(error).lower()}.") from None
    except ValueError:
        # The library lets malformed signatures and bodies that are no UTF-8 through to its parsers.
        raise BadSignature("The webhook signature does not hold: its headers or the body are malformed.") from None


def _webhook(secret: str) -> Webhook:
    if not secret.startswith(_PREFIX):
        raise UnusableSecret("A webhook secret starts with whsec_, followed by Base64.")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise UnusableSecret("What follows whsec_ in a webhook secret is not Base64: copy it again, whole.") from None
    shortest, longest = _KEY_BYTES
    if not shortest <= len(key) <= longest:
        raise UnusableSecret(
            f"A webhook secret holds {shortest} to {longest} bytes, this one {len(key)}: make a new one."
        )
    return Webhook(key)
