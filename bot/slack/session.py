"""The connections to Slack that all calls share."""

from collections.abc import Callable
from typing import Any, Final

import aiohttp

from bot.quick_json import dump, load

PATIENCE: Final = aiohttp.ClientTimeout(total=10)


class _Answer(aiohttp.ClientResponse):
    """An answer of Slack's; those to a message carry all of it back, so they are read often and are long."""

    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: Callable[[str], Any] = load,
        content_type: str | None = "application/json",
    ) -> Any:
        """As aiohttp reads it, but by `load`."""
        return await super().json(encoding=encoding, loads=loads, content_type=content_type)


def slack_session() -> aiohttp.ClientSession:
    """A new session for the Slack SDK; no call takes longer than 10 s."""
    return aiohttp.ClientSession(
        timeout=PATIENCE, cookie_jar=aiohttp.DummyCookieJar(), json_serialize_bytes=dump, response_class=_Answer
    )
