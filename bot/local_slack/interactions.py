"""What people do, turned into the payloads that Slack delivers, and what the bot's answer then changes."""

import dataclasses
import re
import time
from typing import Any

from bot.local_slack.api_views import make_view, modal, push
from bot.local_slack.deliveries import Deliveries
from bot.local_slack.forms import EMPTY, Values, form_errors, state_values
from bot.local_slack.model import Channel, Delivered, Json, Message, SlackError, User, View
from bot.local_slack.responses import new_response_url, show
from bot.local_slack.state import ResponseUrl, Workspace

UNNAMED = {"im": "directmessage", "group": "privategroup"}
"""What Slack says instead of a name that is not for everybody."""
MENTION = re.compile(r"<(?:[@#!][^<>]*)>")


def escape(text: str) -> str:
    """Escape `&`, `<` and `>` as Slack does with what people type, sparing mentions such as `<@U1>`."""
    out, at = [], 0
    for found in MENTION.finditer(text):
        out += [_escape(text[at : found.start()]), found.group()]
        at = found.end()
    return "".join([*out, _escape(text[at:])])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Interactions:
    """Everything a person can do in Slack that reaches the app."""

    def __init__(self, world: Workspace, deliveries: Deliveries) -> None:
        self.world = world
        self.deliveries = deliveries

    def _report(self, user: str, done: Delivered) -> Delivered:
        event = {"type": "delivery", "ok": done.ok, "ms": round(done.ms, 1), "status": done.status}
        self.world.feed.show(event | ({"error": done.error} if done.error else {}), to=[user])
        return done

    def _head(self, kind: str, user: User) -> Json:
        return {
            "type": kind,
            "team": {"id": self.world.team_id, "domain": "local"},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
            "api_app_id": self.world.app_id,
            "token": "verification",
            "enterprise": None,
            "is_enterprise_install": False,
        }

    # Words

    async def say(
        self, user: User, channel: Channel, text: str, thread_ts: str | None = None, *, broadcast: bool = False
    ) -> Delivered:
        """Write a message; the bot hears of it where it is a member. `broadcast` sends a reply to the channel too."""
        if channel.is_archived:
            raise SlackError("is_archived")
        if channel.kind == "group" and user.id not in channel.members:
            raise SlackError("channel_not_found")
        channel.members.add(user.id)
        message = Message(
            ts=self.world.new_ts(),
            channel=channel.id,
            text=escape(text),
            user=user.id,
            thread_ts=thread_ts,
            broadcast=broadcast and thread_ts is not None,
        )
        self.world.post(message)
        done = await self._tell(user, channel, self._message_event(user, channel, message))
        return dataclasses.replace(done, ts=message.ts)

    async def edit(self, user: User, channel: Channel, ts: str, text: str) -> Delivered:
        """Change one's own message."""
        old = channel.messages[ts]
        edited = {"user": user.id, "ts": f"{time.time():.6f}"}
        new = self.world.change(dataclasses.replace(old, text=escape(text), edited=edited))
        event = {"subtype": "message_changed", "message": new.as_json(), "previous_message": old.as_json()}
        return await self._tell(user, channel, self._hidden_event(channel, event))

    async def delete(self, user: User, channel: Channel, ts: str) -> Delivered:
        """Delete a message, as its author or an administrator may."""
        old = self.world.delete(channel, ts)
        event = {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": old.as_json()}
        return await self._tell(user, channel, self._hidden_event(channel, event))

    def echo(self, kind: str, message: Message, old: Message | None) -> None:
        """Tell the bot what it wrote itself, as Slack does where the app subscribes to messages."""
        channel = self.world.channels[message.channel]
        if kind == "post":
            bot = self.world.users[self.world.bot_user]
            self.deliveries.event_soon(self._message_event(bot, channel, message))
        elif old is not None:
            event = {
                "subtype": "message_changed",
                "message": message.as_json(),
                "previous_message": old.as_json(),
            }
            self.deliveries.event_soon(self._hidden_event(channel, event))

    async def _tell(self, user: User, channel: Channel, event: Json) -> Delivered:
        if self.world.bot_user not in channel.members or not self.deliveries.connected:
            return Delivered(status=200, ms=0.0)
        return await self.deliveries.event(event)

    def _message_event(self, user: User, channel: Channel, message: Message) -> Json:
        event = message.as_json() | {
            "channel": channel.id,
            "channel_type": channel.kind,
            "event_ts": message.ts,
            "team": self.world.team_id,
            "user_team": user.team_id,
            "client_msg_id": self.world.new_id("client-"),
        }
        if message.is_reply and (parent := channel.messages.get(str(message.thread_ts))):
            event |= {"root": parent.as_json()} if message.broadcast else {"parent_user_id": parent.user}
        return event

    def _hidden_event(self, channel: Channel, event: Json) -> Json:
        ts = self.world.new_ts()
        head = {"type": "message", "hidden": True, "channel": channel.id, "channel_type": channel.kind}
        return head | {"ts": ts, "event_ts": ts} | event

    async def command(self, user: User, channel: Channel, line: str) -> Delivered:
        """Type a slash command; the answer in the acknowledgement is shown as Slack shows it."""
        name, _, text = line.strip().partition(" ")
        if name not in self.world.commands:
            return Delivered(status=0, ms=0.0, error=f"{name} is not a valid command.")
        fields = {
            "token": "verification",
            "team_id": self.world.team_id,
            "team_domain": "local",
            "channel_id": channel.id,
            "channel_name": UNNAMED.get(channel.kind, channel.name),
            "user_id": user.id,
            "user_name": user.name,
            "command": name,
            "text": text.strip(),
            "api_app_id": self.world.app_id,
            "is_enterprise_install": "false",
            "response_url": new_response_url(self.world, channel=channel.id, user=user.id),
            "trigger_id": self.world.new_trigger(user.id),
        }
        done = await self.deliveries.command(fields)
        if done.ok and done.body:
            body = done.body if isinstance(done.body, dict) else {"text": str(done.body)}
            target = ResponseUrl(channel=channel.id, user=user.id, message_ts=None, thread_ts=None, expires=0)
            try:
                show(self.world, target, body)
            except SlackError as refused:
                done = dataclasses.replace(done, error=refused.error, body=refused.as_json())
        return self._report(user.id, done)

    # Clicks

    async def act(
        self,
        user: User,
        action: Json,
        *,
        message: Message | None = None,
        view: View | None = None,
        state: Json | None = None,
    ) -> Delivered:
        """Deliver block_actions for an element of a message or of a view."""
        payload = self._head("block_actions", user) | {
            "trigger_id": self.world.new_trigger(user.id),
            "actions": [action | {"action_ts": self.world.new_ts()}],
        }
        if message is not None:
            payload |= self._message_part(user, message)
        elif view is not None:
            payload |= {"container": {"type": "view", "view_id": view.id}, "view": view.payload}
        given = _with(state or {}, action)
        if view is not None:
            payload["state"] = {"values": self._typed(view, given)}
            payload["view"] = view.payload | {"state": payload["state"]}
        else:
            payload["state"] = {"values": state_values(message.blocks if message else [], given)}
        return self._report(user.id, await self.deliveries.interaction(payload))

    def _message_part(self, user: User, message: Message) -> Json:
        channel = self.world.channels[message.channel]
        ephemeral = message.ephemeral_to is not None
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        url = new_response_url(
            self.world, channel=channel.id, user=user.id, message_ts=message.ts, thread_ts=message.thread_ts
        )
        name = UNNAMED.get(channel.kind, channel.name)
        part = {"container": container, "channel": {"id": channel.id, "name": name}, "response_url": url}
        return part if ephemeral else part | {"message": message.as_json()}

    # Modals

    def _typed(self, view: View, given: Json) -> Values:
        """What stands in a view's fields; a modal keeps it, for what comes after an error or an update."""
        values = state_values(view.blocks, given, view.payload["state"]["values"])
        if view.payload["type"] == "modal":
            view.payload["state"] = {"values": values}
        return values

    async def submit(self, user: User, view: View, given: Json) -> Delivered:
        """Press a modal's submit button; `given`, what was typed, is described at `forms.state_values`."""
        values = self._typed(view, given)
        errors = form_errors(view.blocks, values)
        if errors:
            body = {"response_action": "errors", "errors": errors}
            return Delivered(status=0, ms=0.0, body=body, error="form_incomplete")
        payload = self._head("view_submission", user) | {
            "trigger_id": self.world.new_trigger(user.id),
            "view": view.payload | {"state": {"values": values}},
            "response_urls": [],
        }
        done = await self.deliveries.interaction(payload)
        if done.ok:
            try:
                self._follow(user, view, done.body)
            except SlackError as refused:
                done = dataclasses.replace(done, error=refused.error, body=refused.as_json())
        return self._report(user.id, done)

    def _follow(self, user: User, view: View, body: Any) -> None:
        """Do what the answer to a submission asks for: close, clear, update, push or show errors."""
        if not body:
            self.world.drop_view(view)
            return
        order = body.get("response_action") if isinstance(body, dict) else None
        if order == "clear":
            self.world.drop_stack(user.id)
        elif order == "update":
            checked = modal(self.world, body.get("view"), replacing=view)
            self.world.show_view(make_view(self.world, user.id, checked, old=view), "view_updated")
        elif order == "push":
            push(self.world, user.id, modal(self.world, body.get("view")))
        elif order == "errors":
            inputs = {b["block_id"] for b in view.blocks if b["type"] == "input"}
            errors = body.get("errors")
            if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
                raise SlackError("invalid_response_errors", f"the input blocks are {sorted(inputs)}")
        else:
            raise SlackError("invalid_response_action")

    async def close(self, user: User, view: View, *, clear: bool = False) -> Delivered:
        """Close a modal, or all of them; the bot hears of it when the view asked for that."""
        if clear or view.payload["clear_on_close"]:
            self.world.drop_stack(user.id)
        else:
            self.world.drop_view(view)
        if not view.payload["notify_on_close"]:
            return Delivered(status=200, ms=0.0)
        payload = self._head("view_closed", user) | {"view": view.payload, "is_cleared": clear}
        return self._report(user.id, await self.deliveries.interaction(payload))

    async def open_home(self, user: User) -> Delivered:
        """Open the app's Home tab."""
        event: Json = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": self.world.open_im(user.id).id,
            "tab": "home",
            "event_ts": self.world.new_ts(),
        }
        if user.id in self.world.homes:
            event["view"] = self.world.homes[user.id].payload
        if not self.deliveries.connected:
            return Delivered(status=0, ms=0.0, error="dispatch_failed")
        return await self.deliveries.event(event)


def _with(state: Json, action: Json) -> Json:
    """Return the state with the value that this very action chose."""
    if action["type"] not in EMPTY:
        return state
    chosen = {action["action_id"]: {EMPTY[action["type"]][0]: action.get(EMPTY[action["type"]][0])}}
    return state | {action["block_id"]: chosen}
