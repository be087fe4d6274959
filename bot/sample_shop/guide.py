"""A first message for whoever wants to propose something by hand."""

import json

from bot.local_slack import LocalSlack, Message
from bot.sample_shop.people import SHOP

_EXAMPLE = {
    "kind": "reply",
    "category": "products",
    "conversation": {
        "id": "try-1",
        "customer": {"name": "Robin"},
        "messages": [{"role": "customer", "text": "Do you gift-wrap?"}],
    },
    "reply": {"text": "Yes, Robin, we wrap every gift for free."},
    "confidence": 0.7,
    "connector": "agent",
}


def guide(slack: LocalSlack, channel: str, url: str, token: str) -> None:
    """Post a command that works as it stands; the token is worth nothing once this process has ended."""
    body = json.dumps(_EXAMPLE)
    command = (
        f"curl {url}/v1/proposals -H 'Authorization: Bearer {token}' -H 'Idempotency-Key: try-1' \\\n"
        f"  -H 'Content-Type: application/json' -d '{body}'"
    )
    text = (
        "An AI stand-in proposes replies and refunds here. To be the AI yourself, paste this into a terminal, and look "
        f"into the review channel:\n```{command}```\nThe whole interface is described at {url}/openapi.json."
    )
    world = slack.world
    world.post(Message(ts=world.new_ts(), channel=channel, text=text, user=SHOP))
