"""JSON that travels all day, to Slack and to agents: by orjson, and by the standard library where orjson refuses.

What a stranger sends is read by `bot.strict_json` instead, and what is hashed written by `bot.domain.canonical`.
"""

import json
from typing import Any

import orjson


def dump(value: object) -> bytes:
    """Write a value in UTF-8, without blanks; half of a surrogate pair travels as its escape."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def load(text: str) -> Any:
    """Read what Slack has answered; `json.JSONDecodeError` for what is no JSON.

    Integers beyond 64 bits become floats; Slack writes none.
    """
    try:
        return orjson.loads(text)
    except ValueError:  # to orjson half of a surrogate pair is none, and one cut emoji would hide a whole answer
        return json.loads(text)
