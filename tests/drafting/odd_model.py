"""A local server with OpenAI's chat interface that does as it is told, well or badly."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

Turn = Callable[[dict[str, Any]], "web.Response | str | dict[str, Any] | float"]


def good(**changes: Any) -> dict[str, Any]:
    """An answer that fits the schema."""
    return {
        "category": "orders",
        "in_scope": True,
        "reply": "Your order B-9876 left our warehouse.",
        "action": None,
        "sources": ["P1"],
        "confidence": 0.8,
        **changes,
    }


def status(code: int, text: str = "no", **headers: str) -> web.Response:
    """A refusal."""
    body = {"error": {"message": text, "type": "t", "code": str(code)}}
    return web.json_response(body, status=code, headers=headers)


@dataclass
class OddModel:
    """Answers with each of `turns` in order, the last one again and again, and keeps what it was asked.

    A turn is a text, a JSON object, a whole response, a number of seconds to hang, or a function of the request.
    """

    turns: list[Any]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        turn = self.turns[min(len(self.requests), len(self.turns) - 1)]
        self.requests.append(body)
        said = turn(body) if callable(turn) else turn
        if isinstance(said, float):
            await asyncio.sleep(said)
            said = good()
        if isinstance(said, web.Response):
            return said
        message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else json.dumps(said)}
        if isinstance(said, dict) and "tool_calls" in said:
            message = {"role": "assistant", "content": None, **said}
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 70, "completion_tokens": 30, "total_tokens": 100},
            }
        )
