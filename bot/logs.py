"""Logs as one line of key=value each, with secrets and e-mail addresses masked."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.domain.masking import mask

# Asks its own logger's level, not the one that holds, before it spells every request and answer out for a debug line.
_SLACK_CLIENT = "slack_sdk.web.async_base_client"


def configure(level: str) -> None:
    """Send structlog and the standard library's logs to standard error, masked, from `level` up."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _masked,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("slack_bolt", "slack_sdk", _SLACK_CLIENT, "aiohttp.access", "LiteLLM"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, getattr(logging, level)))
    # Bolt remarks at each start that it leaves the token to our client and to our `authorize`, as it should.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(lambda record: "`token` " not in str(record.msg))


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and name not in ("timestamp", "level"):
            event[name] = mask(value, emails=True).text
    return event
