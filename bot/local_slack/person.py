"""A person at the keyboard, for tests: clicks, chooses, writes, submits."""

from typing import Any

from bot.local_slack.forms import EMPTY, elements_of, filled, find_option
from bot.local_slack.interactions import Interactions
from bot.local_slack.model import Delivered, Json, Message, SlackError, User, View
from bot.local_slack.state import Workspace


class Person:
    """What one person does; every call returns how the bot acknowledged it."""

    def __init__(self, id: str, world: Workspace, interactions: Interactions) -> None:
        self.id = id
        self._world = world
        self._do = interactions

    @property
    def user(self) -> User:
        """The person's profile as it is now."""
        return self._world.users[self.id]

    @property
    def view(self) -> View | None:
        """The modal this person has in front of them, if any."""
        return self._world.top_view(self.id)

    @property
    def home(self) -> View | None:
        """The Home that was last published to this person, if any."""
        return self._world.homes.get(self.id)

    async def click(
        self,
        channel: str,
        at: str | Message,
        action_id: str,
        value: str | None = None,
        *,
        state: Json | None = None,
    ) -> Delivered:
        """Click a button of a message; `at` is its ts, or the Message as this person still sees it.

        `value` replaces the button's own value, as a forger would; `state` fills in the message's fields.
        Raises LookupError when the message or the button is not there.
        """
        message = self._message(channel, at)
        block, element = _find(message.blocks, action_id)
        action = {k: v for k, v in element.items() if k in ("type", "action_id", "text", "value", "style", "url")}
        if value is not None:
            action["value"] = value
        action["block_id"] = block["block_id"]
        return await self._do.act(self.user, action, message=message, state=state)

    async def choose(self, channel: str, at: str | Message, action_id: str, option_value: Any) -> Delivered:
        """Choose from an overflow, a menu, radio buttons or checkboxes of a message."""
        message = self._message(channel, at)
        block, element = _find(message.blocks, action_id)
        return await self._do.act(self.user, _chosen(block, element, option_value), message=message)

    async def click_in_view(
        self, view: View, action_id: str, value: Any = None, *, state: Json | None = None
    ) -> Delivered:
        """Click a button or choose an option of a modal or of Home."""
        block, element = _find(view.blocks, action_id)
        if element["type"] != "button":
            return await self._do.act(self.user, _chosen(block, element, value), view=view, state=state)
        action = {k: v for k, v in element.items() if k in ("type", "action_id", "text", "value", "style", "url")}
        if value is not None:
            action["value"] = value
        return await self._do.act(self.user, action | {"block_id": block["block_id"]}, view=view, state=state)

    async def say(self, channel: str, text: str, thread_ts: str | None = None, *, broadcast: bool = False) -> Delivered:
        """Write a message, or a reply that `broadcast` sends to the channel too; `Delivered.ts` is its ts."""
        return await self._do.say(self.user, self._world.channel(channel), text, thread_ts, broadcast=broadcast)

    async def edit(self, channel: str, ts: str, text: str) -> Delivered:
        """Change one's own message."""
        return await self._do.edit(self.user, self._world.channel(channel), ts, text)

    async def delete(self, channel: str, ts: str) -> Delivered:
        """Delete a message, also one of the bot's (as an administrator may)."""
        return await self._do.delete(self.user, self._world.channel(channel), ts)

    async def command(self, line: str, channel: str | None = None) -> Delivered:
        """Type a slash command such as `/threshold refunds 0.9`; `Delivered.body` is the bot's answer."""
        where = channel or next((c.id for c in self._world.channels.values() if c.kind == "channel"), self.id)
        return await self._do.command(self.user, self._world.channel(where), line)

    async def submit(self, view: View, values: Json | None = None) -> Delivered:
        """Submit a modal; `values` maps block_id to a text, a number, an option's value or a list of them.

        It is what this person types now: a field that they leave alone holds what they typed before, even where an
        update said otherwise, or else its initial value.
        """
        return await self._do.submit(self.user, view, values or {})

    async def close(self, view: View, *, clear: bool = False) -> Delivered:
        """Close a modal without submitting it."""
        return await self._do.close(self.user, view, clear=clear)

    async def open_home(self) -> Delivered:
        """Open the app's Home tab."""
        return await self._do.open_home(self.user)

    def _message(self, channel: str, at: str | Message) -> Message:
        if isinstance(at, Message):
            return at
        whispered = self._world.ephemerals.get(self.id, {}).get(at)
        found = whispered or self._world.channel(channel).messages.get(at)
        if found is None:
            raise LookupError(f"no message {at} in {channel}")
        return found


def _find(blocks: list[Json], action_id: str) -> tuple[Json, Json]:
    for block, element in elements_of(blocks):
        if element["action_id"] == action_id:
            return block, element
    raise LookupError(f"no element {action_id!r}; there are {[e['action_id'] for _, e in elements_of(blocks)]}")


def _chosen(block: Json, element: Json, value: Any) -> Json:
    action = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
    if element["type"] == "overflow":
        return action | {"selected_option": find_option(element, value)}
    if element["type"] not in EMPTY:
        raise SlackError("not_a_menu")
    return action | filled(element, value)
