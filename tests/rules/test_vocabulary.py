"""Cards and handlers share one vocabulary: what can be clicked is heard, and what is listened for can be clicked."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.lifecycle import State
from bot.slack import ids
from bot.slack.cards import card
from handlers import register
from handlers.desk import Desk
from tests.handlers.nasty import case, proposal, walk

ROOT = Path(__file__).parents[2]
PAYLOADS = {"action": {"action"}, "view": {"view"}, "command": {"command"}, "event": {"event", "message"}}
PAYLOAD_NAMES = {"action", "view", "command", "event", "message", "options", "shortcut", "step"}
CONTEXT = {"desk"}
Listener = Callable[..., Any]


@dataclass
class Registrations:
    """Takes what `register` hands to Bolt, and writes it down."""

    found: dict[str, dict[str, Listener]] = field(default_factory=lambda: {kind: {} for kind in PAYLOADS})

    def use(self, middleware: Listener) -> None:
        """The middleware hands out the desk; nothing to note."""

    def _kind(self, kind: str, name: str) -> Callable[[Listener], None]:
        def note(listener: Listener) -> None:
            assert name not in self.found[kind], f"{name} has two listeners"
            self.found[kind][name] = listener

        return note

    def action(self, name: str) -> Callable[[Listener], None]:
        return self._kind("action", name)

    def view(self, name: str) -> Callable[[Listener], None]:
        return self._kind("view", name)

    def command(self, name: str) -> Callable[[Listener], None]:
        return self._kind("command", name)

    def event(self, name: str) -> Callable[[Listener], None]:
        return self._kind("event", name)


def registered() -> dict[str, dict[str, Listener]]:
    made = Registrations()
    register(cast("AsyncApp", made), cast("Desk", None))
    return made.found


def spoken(pattern: str) -> set[str]:
    """The names of `ids` that the code of bot/slack and bot uses where a pattern stands."""
    found: set[str] = set()
    for file in [*(ROOT / "bot" / "slack").glob("*.py"), *(ROOT / "bot").glob("*.py")]:
        if file.name != "ids.py":
            found |= set(re.findall(pattern, file.read_text()))
    return {str(getattr(ids, name)) for name in found}


def unknown_parameters(kind: str, listener: Listener) -> set[str]:
    """Parameters that Bolt would fill with None: misspelt ones, and payloads of another kind."""
    known = set(AsyncArgs.__annotations__) | {"args", "next_"} | CONTEXT
    names = set(inspect.signature(listener).parameters)
    return (names - known) | (names & PAYLOAD_NAMES - PAYLOADS[kind])


def test_every_button_and_menu_has_a_listener_and_every_listener_a_button() -> None:
    clickable = spoken(r"\b(?:button|overflow)\((?:[^()]|\([^()]*\))*?\bids\.([A-Z_]+)\b")
    assert clickable
    assert clickable == set(registered()["action"])


def test_every_window_that_can_be_submitted_has_a_listener_and_every_listener_a_window() -> None:
    assert spoken(r"\bmodal\(\s*ids\.([A-Z_]+)") == set(registered()["view"])


def test_every_command_of_the_manifest_has_a_listener_and_every_listener_a_command() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    assert {one["command"] for one in manifest["features"]["slash_commands"]} == set(registered()["command"])
    events = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    assert {name.partition(".")[0] for name in events} == set(registered()["event"])


@pytest.mark.parametrize("kind", PAYLOADS)
def test_bolt_knows_every_parameter_of_every_listener(kind: str) -> None:
    listeners = registered()[kind]
    assert listeners
    for name, listener in listeners.items():
        assert unknown_parameters(kind, listener) == set(), name


def test_a_misspelt_parameter_is_noticed() -> None:
    async def misspelt(ack: Any, boddy: Any, desk: Any) -> None: ...

    async def of_another_kind(ack: Any, view: Any) -> None: ...

    assert unknown_parameters("action", misspelt) == {"boddy"}
    assert unknown_parameters("action", of_another_kind) == {"view"}


def test_bolt_takes_every_registration() -> None:
    app = AsyncApp(token="xoxb-1", signing_secret="secret")
    register(app, cast("Desk", None))
    count = sum(len(listeners) for listeners in registered().values())
    assert len(app._async_listeners) == count


def test_no_two_ids_are_the_same() -> None:
    named = {name: value for name, value in vars(ids).items() if name.isupper() and isinstance(value, str)}
    assert len(set(named.values())) == len(named), sorted(named.items())


def test_every_state_of_a_case_has_a_card_whose_buttons_are_heard() -> None:
    heard = set(registered()["action"])
    for state in State:
        for room in ("review", "escalation", "ops"):
            made = replace(proposal(), state=state)
            for undoable in (True, False):
                found = {
                    e["action_id"] for e in walk(card(case(made), room, undoable=undoable).blocks) if "action_id" in e
                }
                assert found <= heard
