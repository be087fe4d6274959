"""The Web API under /api/: who may call, what the body says, which method answers, the faults in between."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bot.local_slack import api_chat, api_conversations, api_files, api_people, api_views, scopes
from bot.local_slack.faults import Fault, Faults
from bot.local_slack.model import Call, Json, SlackError
from bot.local_slack.pacing import Pacing
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import Workspace

METHODS: dict[str, api_chat.Method] = {
    **api_chat.METHODS,
    **api_views.METHODS,
    **api_conversations.METHODS,
    **api_people.METHODS,
    **api_files.METHODS,
}
STRUCTURED = ("blocks", "metadata", "view", "files", "attachments")


class WebApi:
    """Answers `/api/<method>` as slack.com does."""

    def __init__(
        self,
        world: Workspace,
        faults: Faults,
        sockets: Sockets,
        *,
        bot_token: str,
        app_token: str | None,
        granted: frozenset[str],
        pacing: bool,
    ) -> None:
        self.world = world
        self.pace = Pacing() if pacing else None
        self._granted = granted
        self._headers = {"X-OAuth-Scopes": ",".join(sorted(granted)), "Cache-Control": "no-store"}
        self._faults = faults
        self._sockets = sockets
        self._bot_token = bot_token
        self._app_token = app_token

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one call."""
        method = request.match_info["method"]
        error: SlackError | None = None
        args: Json = {}
        fault: Fault | None = None
        try:
            args = await read_args(request)
            if self._faults.calls:
                fault = self._faults.take(method, args.get("channel") or args.get("channel_id"))
                if fault is not None and fault.kind != "lost_answer":
                    return await self._misbehave(request, fault, method, args)
            answer = self._answer(method, args, request.headers.get("Authorization", ""))
        except SlackError as refused:
            error, answer = refused, refused.as_json()
        self._log(method, args, error.error if error else None)
        if fault is not None:
            return drop(request)
        headers = self._headers | error.headers if error and error.headers else self._headers
        body = json.dumps(answer).encode()
        status = error.status if error else 200
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    def _answer(self, method: str, args: Json, authorization: str) -> Json:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            token = str(args.pop("token", ""))
        else:
            args.pop("token", None)
        if method == "api.test":
            if "error" in args:
                raise SlackError(str(args["error"]))
            return {"ok": True, "args": args}
        if method == "apps.connections.open":
            return self._open_connection(token)
        found = METHODS.get(method)
        if found is None:
            raise SlackError("unknown_method")
        self._authorise(token)
        scopes.check(method, args, self.world.channels.get(str(args.get("channel", ""))), self._granted)
        if self.pace is not None:
            posts = method == "chat.postMessage"
            self.pace.take(method, self.world.channel(str(args.get("channel", ""))).id if posts else "")
        return {"ok": True, **found(self.world, args)}

    def _authorise(self, token: str) -> None:
        if not token:
            raise SlackError("not_authed")
        if token == self._app_token:
            raise SlackError("not_allowed_token_type")
        if token != self._bot_token:
            raise SlackError("invalid_auth")

    def _open_connection(self, token: str) -> Json:
        if not token:
            raise SlackError("not_authed")
        if token == self._bot_token:
            raise SlackError("not_allowed_token_type")
        if self._app_token is None or token != self._app_token:
            raise SlackError("invalid_auth")
        return {"ok": True, "url": self._sockets.new_url()}

    def _log(self, method: str, args: Json, error: str | None) -> None:
        self.world.calls.append(Call(method=method, args=args, at=time.time(), error=error))

    async def _misbehave(self, request: web.Request, fault: Fault, method: str, args: Json) -> web.StreamResponse:
        self._log(method, args, fault.error if fault.kind == "error" else fault.kind)
        if fault.kind == "ratelimited":
            headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            return web.json_response(SlackError("ratelimited").as_json(), status=429, headers=headers)
        if fault.kind == "error":
            return web.json_response(SlackError(fault.error).as_json(), headers=self._headers)
        if fault.kind == "html":
            page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            return web.Response(text=page, status=fault.status, content_type="text/html")
        if fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
            return drop(request)
        return web.Response(text="Internal Server Error", status=fault.status, content_type="text/plain")


def drop(request: web.Request) -> web.StreamResponse:
    """Break the connection instead of answering."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def read_args(request: web.Request) -> Json:
    """Read the arguments from the query, a form or a JSON body; structured ones may be JSON in a field."""
    kind = request.content_type
    args: Json = dict(request.query) if request.query_string else {}
    if request.method == "POST" and request.can_read_body:
        if kind == "application/json":
            args |= _json_object(await request.read())
        elif kind == "application/x-www-form-urlencoded":
            args |= dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        elif kind == "multipart/form-data":
            args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        else:
            raise SlackError("invalid_post_type")
    for key in STRUCTURED:
        if isinstance(args.get(key), str):
            args[key] = _structured(key, args[key])
    return args


def _json_object(body: bytes) -> Json:
    try:
        value: Any = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return value


def _structured(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if key == "blocks":
            raise SlackError("invalid_blocks_format") from None
        raise SlackError("invalid_arguments", f"must be valid JSON [json-pointer:/{key}]") from None
