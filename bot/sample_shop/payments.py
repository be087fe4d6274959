"""The shop's payments server: takes signed webhooks, pays each refund once, and tells a customer who has a thread."""

import json
from collections.abc import Callable
from typing import Any, Final, Self

from aiohttp import web

from bot.sample_shop.people import PAYMENTS
from bot.signing import BadSignature, verify

SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$"}
Tell = Callable[[str, str, str], None]
"""Conversation, Slack user who writes, text."""


class Payments:
    """`async with Payments(secret, tell) as payments:` listens at `payments.url` until left."""

    def __init__(self, secret: str, tell: Tell) -> None:
        self._secret, self._tell = secret, tell
        self._receipts: dict[str, dict[str, Any]] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        server = web.Application()
        server.router.add_post("/payments", self._pay)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/payments"
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _pay(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            verify(self._secret, headers=request.headers, body=body)
        except BadSignature as error:
            return web.json_response({"error": error.sentence}, status=401)
        key = request.headers["Idempotency-Key"]
        if key not in self._receipts:
            order = json.loads(body)
            problem = _problem(order)
            if problem:
                return web.json_response({"error": problem}, status=422)
            self._receipts[key] = self._refund(order)
        return web.json_response(self._receipts[key])

    def _refund(self, order: dict[str, Any]) -> dict[str, Any]:
        args, conversation = order["action"]["args"], order["conversation"]
        currency = str(args.get("currency", "EUR"))
        amount = f"{SYMBOLS.get(currency, currency + ' ')}{args['amount']:.2f}"
        name = conversation["customer"].get("name", "the customer")
        text = f"Refunded {amount} to {name}, order {args.get('order')}."
        self._tell(conversation["id"], PAYMENTS, text)
        return {"payment": f"pay_{len(self._receipts) + 1:04d}", "refunded": amount}


def _problem(order: dict[str, Any]) -> str | None:
    """Why this server cannot do it, in a sentence that a person will read; None where it can."""
    action = order.get("action") or {}
    if action.get("name") != "refund":
        return f"The payments server only pays refunds, not {action.get('name', 'replies')}."
    amount = action["args"].get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount <= 10_000:
        return "A refund needs an amount above 0 and at most 10,000."
    return None
