"""A first message for whoever wants to propose something by hand, or to see a delivery go wrong."""

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
_FAULT = {"fault": "duplicate", "delivery": "block_actions", "copies": 3}


def guide(slack: LocalSlack, channel: str, url: str, token: str) -> None:
    """Post commands that work as they stand; the token is worth nothing once this process has ended."""
    body = json.dumps(_EXAMPLE)
    command = (
        f"curl {url}/v1/proposals -H 'Authorization: Bearer {token}' -H 'Idempotency-Key: try-1' \\\n"
        f"  -H 'Content-Type: application/json' -d '{body}'"
    )
    thrice = f"curl {slack.page_url}control/faults -d '{json.dumps(_FAULT)}'"
    text = (
        "An AI stand-in proposes replies and refunds here. To be the AI yourself, paste this into a terminal, and look "
        f"into the review channel:\n```{command}```\nThe whole interface is described at {url}/openapi.json.\n"
        f"To see what a click does that Slack delivers three times, paste this, and press a button:\n```{thrice}```"
    )
    world = slack.world
    world.post(Message(ts=world.new_ts(), channel=channel, text=text, user=SHOP))
