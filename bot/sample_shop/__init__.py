"""A small invented shop: what `sayso serve` runs where there are no Slack tokens."""

import asyncio
import signal

from bot.config import Config
from bot.garbage import spare_the_start
from bot.sample_shop.shop import PACE_SECONDS, Shop, opened

__all__ = ["PACE_SECONDS", "Shop", "greeting", "opened", "run"]


def greeting(shop: Shop) -> list[str]:
    """Where to look; and where to propose, if that is not where everybody expects it."""
    lines = [
        f"Sayso runs with a small sample shop: {shop.page}",
        "You are Maria, a support agent (change that at the top left). Ctrl-C stops.",
    ]
    if shop.anywhere:
        lines.append(f"The API is at {shop.sayso.url}.")
    if shop.taken:
        lines.append(f"Port {shop.taken} belongs to another program, so this time the API is at {shop.sayso.url}.")
    return lines


async def run(config: Config, stop: asyncio.Event) -> None:
    """Serve until `stop`, and print where to look; from then on this process no longer hears Ctrl-C, since it ends."""
    async with opened(config) as shop:
        spare_the_start()
        print("\n".join(greeting(shop)), flush=True)  # noqa: T201 - the command's answer
        await stop.wait()
        # Closing takes a moment, and an impatient second Ctrl-C must not break it off halfway.
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
