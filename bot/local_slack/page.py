"""What the page speaks: its files, its JSON calls, its WebSocket, and the control of faults."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.local_slack.faults import Faults
from bot.local_slack.forms import elements_of
from bot.local_slack.interactions import Interactions
from bot.local_slack.model import Channel, Delivered, Json, Message, SlackError, User, View
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import Workspace

STATIC = Path(__file__).parent / "static"
POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src * data:; connect-src *"
"""The page runs its own scripts only, whatever a message contains."""
Answer = Callable[[web.Request], Awaitable[Json]]


class Page:
    """Serves the page of the local Slack to people."""

    def __init__(
        self, world: Workspace, interactions: Interactions, faults: Faults, sockets: Sockets, *, control: bool
    ) -> None:
        self._world = world
        self._do = interactions
        self._faults = faults
        self._sockets = sockets
        self._control = control
        self._open: set[web.WebSocketResponse] = set()

    def add_routes(self, app: web.Application) -> None:
        """Put the page's addresses on the application."""
        app.router.add_get("/", self._index)
        app.router.add_static("/static/", STATIC)
        app.router.add_get("/client/ws", self._socket)
        for name, answer in (("boot", self._boot), ("messages", self._messages), ("home", self._home)):
            app.router.add_get(f"/client/{name}", _json(answer))
        posts = (("say", self._say), ("act", self._act), ("submit", self._submit), ("close", self._close))
        for name, answer in posts:
            app.router.add_post(f"/client/{name}", _json(answer))
        if self._control:
            app.router.add_route("*", "/control/faults", _json(self._set_faults))

    async def stop(self) -> None:
        """Say goodbye to open pages."""
        for socket in list(self._open):
            await socket.close()

    async def _index(self, request: web.Request) -> web.StreamResponse:
        index = STATIC / "index.html"
        if not index.exists():
            return web.Response(text="The page of the local Slack is not installed.", status=404)
        return web.FileResponse(index, headers={"Cache-Control": "no-cache", "Content-Security-Policy": POLICY})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        _refuse_strangers(request)
        user = request.query.get("user", "")
        if user not in self._world.users:
            raise web.HTTPNotFound(text="no such user")
        socket = web.WebSocketResponse(heartbeat=30.0)
        await socket.prepare(request)
        queue = self._world.feed.open_page(user)
        self._open.add(socket)
        writer = asyncio.create_task(self._write(socket, queue))
        try:
            async for _ in socket:
                pass
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            self._open.discard(socket)
            self._world.feed.close_page(user, queue)
        return socket

    async def _write(self, socket: web.WebSocketResponse, queue: "asyncio.Queue[Json]") -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send_json({"type": "hello"})
            while True:
                await socket.send_json(await queue.get())

    # Reading

    async def _boot(self, request: web.Request) -> Json:
        world, viewer = self._world, self._viewer(request.query.get("user", ""))
        keys = ("id", "name", "real_name", "title", "color", "is_bot", "is_restricted", "deleted")
        bot = world.users[world.bot_user]
        return {
            "team": {"id": world.team_id, "name": world.team_name},
            "users": [{key: getattr(user, key) for key in keys} for user in world.users.values()],
            "channels": [
                {"id": c.id, "name": c.name, "topic": c.topic, "kind": c.kind, "members": sorted(c.members)}
                for c in world.channels.values()
                if viewer and world.may_read(viewer.id, c)
            ],
            "groups": [
                {"id": g.id, "handle": g.handle, "name": g.handle, "users": g.users} for g in world.groups.values()
            ],
            "commands": [
                {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
                for c in world.commands.values()
            ],
            "bot": {"user_id": bot.id, "name": bot.name},
            "home": bool(viewer and not viewer.is_stranger),
        }

    def _viewer(self, id: str) -> User | None:
        """Who looks: where nobody of that id is there, the first person, in whose chair the page then sits down."""
        users = self._world.users
        people = (user for user in users.values() if not user.is_bot and not user.deleted)
        return users.get(id) or next(people, None)

    async def _messages(self, request: web.Request) -> Json:
        user = request.query.get("user", "")
        channel = self._channel(request.query.get("channel", ""), user)
        limit = max(1, min(int(request.query.get("limit", "200")), 1000))
        whispers = [m for m in self._world.ephemerals.get(user, {}).values() if m.channel == channel.id]
        found = sorted([*list(channel.messages.values())[-limit:], *whispers], key=lambda m: m.ts)
        parents = {m.thread_ts for m in found if m.is_reply} - {m.ts for m in found}
        roots = [channel.messages[str(ts)] for ts in sorted(map(str, parents)) if str(ts) in channel.messages]
        return {"messages": [m.as_json() for m in [*roots, *found[-limit:]]]}

    async def _home(self, request: web.Request) -> Json:
        user = self._user(dict(request.query))
        if user.is_stranger:
            raise SlackError("not_allowed")
        done = await self._do.open_home(user)
        home = self._world.homes.get(user.id)
        return {"view": home.payload if home else None, "delivered": done.ok}

    # Doing

    def _user(self, body: Json) -> User:
        user = self._world.users.get(str(body.get("user", "")))
        if user is None or user.deleted:
            raise SlackError("user_not_found")
        return user

    def _channel(self, ref: str, user: str) -> Channel:
        """A channel that this person may see; to all others it is as if there were none."""
        channel = self._world.channel(ref)
        if not self._world.may_read(user, channel):
            raise SlackError("channel_not_found")
        return channel

    def _view(self, body: Json, user: User) -> View:
        view = self._world.views.get(str(body.get("view_id", "")))
        if view is None or view.user != user.id:
            raise SlackError("not_found")
        return view

    async def _say(self, request: web.Request) -> Json:
        body = await _body(request)
        user = self._user(body)
        channel = self._channel(str(body.get("channel", "")), user.id)
        text = str(body.get("text", ""))
        if not text.strip():
            raise SlackError("no_text")
        if text.startswith("/"):
            return _outcome(await self._do.command(user, channel, text))
        thread_ts = body.get("thread_ts") or None
        done = await self._do.say(user, channel, text, str(thread_ts) if thread_ts else None)
        return {"ok": True, "ts": done.ts, "delivered": done.ok}

    async def _act(self, request: web.Request) -> Json:
        body = await _body(request)
        user = self._user(body)
        action = body.get("action")
        if not isinstance(action, dict):
            raise SlackError("invalid_arguments")
        action = action | {"block_id": body.get("block_id") or action.get("block_id")}
        given = body.get("state")
        state = given if isinstance(given, dict) else {}
        if body.get("view_id"):
            view = self._view(body, user)
            action = _complete(view.blocks, action)
            return _outcome(await self._do.act(user, action, view=view, state=state))
        message = self._message(body, user)
        action = _complete(message.blocks, action)
        return _outcome(await self._do.act(user, action, message=message, state=state))

    def _message(self, body: Json, user: User) -> Message:
        ts = str(body.get("message_ts", ""))
        whispered = self._world.ephemerals.get(user.id, {}).get(ts)
        found = whispered or self._channel(str(body.get("channel", "")), user.id).messages.get(ts)
        if found is None:
            raise SlackError("message_not_found")
        return found

    async def _submit(self, request: web.Request) -> Json:
        body = await _body(request)
        user = self._user(body)
        values = body.get("values") or {}
        done = await self._do.submit(user, self._view(body, user), values)
        if isinstance(done.body, dict) and done.body.get("response_action") == "errors":
            return {"ok": False, "errors": done.body["errors"]}
        return _outcome(done)

    async def _close(self, request: web.Request) -> Json:
        body = await _body(request)
        user = self._user(body)
        return _outcome(await self._do.close(user, self._view(body, user), clear=bool(body.get("clear"))))

    # Faults

    async def _set_faults(self, request: web.Request) -> Json:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            body = await _body(request)
            if body.get("fault") == "cut_sockets":
                await self._sockets.cut()
            elif body.get("fault") == "delete_message":
                self._world.delete(self._world.channel(str(body.get("channel"))), str(body.get("ts")))
            else:
                self._faults.add(body)
        waiting = [f"{f.kind} {f.method} x{f.times}" for f in self._faults.calls]
        return {"faults": waiting + [f"delivery {f.kind} x{f.times}" for f in self._faults.deliveries]}


def _complete(blocks: list[Json], action: Json) -> Json:
    """Add the block_id, and a button's text and value, from the blocks that were clicked."""
    for block, element in elements_of(blocks):
        same_block = action["block_id"] in (None, block["block_id"])
        if same_block and element["action_id"] == action.get("action_id"):
            known = {k: element[k] for k in ("type", "text", "value", "style") if k in element}
            if element["type"] != "button":
                known = {"type": element["type"]}
            return known | action | {"block_id": block["block_id"]}
    raise SlackError("action_not_found")


def _outcome(done: Delivered) -> Json:
    out: Json = {"ok": done.ok, "status": done.status, "ms": round(done.ms, 1)}
    return out if done.ok else out | {"error": done.error}


async def _body(request: web.Request) -> Json:
    try:
        body: Any = json.loads(await request.text())
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


def _refuse_strangers(request: web.Request) -> None:
    """Refuse what another web site makes a browser send."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="only the local Slack's own page may do this")


def _json(answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        _refuse_strangers(request)
        try:
            return web.json_response({"ok": True} | await answer(request))
        except SlackError as refused:
            return web.json_response(refused.as_json())
        except (LookupError, ValueError, TypeError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)

    return handle
