"""manifest.yml: accepted by Slack's rules, and neither more nor less than what the code needs."""

import copy
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it comes without types

from bot.local_slack.scopes import GRANTED, NEEDED
from handlers import phrases
from tests.rules.manifest_schema import SCHEMA
from tests.rules.sources import ROOT, registered, routes, slack_methods

# The scopes that a bot token needs for each Web API method that we call, as Slack documents them.
SCOPES_OF_METHOD: dict[str, set[str]] = {
    "apps_connections_open": set(),  # with the app-level token
    "auth_test": set(),
    "chat_delete": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history"},
    "files_upload_v2": {"files:write"},
    "usergroups_list": {"usergroups:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
}
# What to subscribe to for an event that Bolt hands over, with the scopes that the subscription needs.
SUBSCRIPTIONS: dict[str, dict[str, set[str]]] = {
    "app_home_opened": {"app_home_opened": set()},
    "user_change": {"user_change": {"users:read"}},
    "subteam_updated": {"subteam_updated": {"usergroups:read"}},
    "message": {"message.channels": {"channels:history"}, "message.groups": {"groups:history"}},
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return loaded


def test_slack_would_accept_the_manifest(manifest: dict[str, Any]) -> None:
    faults = [
        f"{list(error.absolute_path)}: {error.message}" for error in Draft7Validator(SCHEMA).iter_errors(manifest)
    ]

    assert faults == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("display_information.name", "n" * 36),
        ("display_information.long_description", "too short"),
        ("display_information.background_color", "blue"),
        ("features.bot_user.display_name", ""),
        ("features.slash_commands", []),
        ("features.slash_commands.0.command", "threshold"),
        ("features.slash_commands.0.url", "YOUR-HOST/slack/events"),
        ("features.slash_commands.0.hint", "unknown key"),
        ("oauth_config.scopes.bot", "chat:write"),
        ("settings.interactivity", {}),
        ("settings.event_subscriptions.bot_events", ["user_change", "user_change"]),
        ("settings.socket_mode_enabled", "no"),
    ],
)
def test_the_schema_refuses_what_slack_refuses(manifest: dict[str, Any], path: str, value: Any) -> None:
    spoiled: Any = copy.deepcopy(manifest)
    *parents, last = path.split(".")
    place = spoiled
    for name in parents:
        place = place[int(name)] if name.isdecimal() else place[name]
    place[last] = value

    assert not Draft7Validator(SCHEMA).is_valid(spoiled)


def test_the_manifest_has_exactly_the_commands_that_are_answered(manifest: dict[str, Any]) -> None:
    commands = manifest["features"]["slash_commands"]

    assert {command["command"] for command in commands} == registered("command")
    assert all(command["usage_hint"] for command in commands)


def test_the_manifest_subscribes_to_exactly_the_events_that_are_handled(manifest: dict[str, Any]) -> None:
    # Slack switches subscriptions off whose deliveries go unanswered, so one too many does harm as well.
    wanted = {name for event in registered("event") for name in SUBSCRIPTIONS[event]}

    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == wanted


def test_every_method_that_the_bot_calls_is_in_the_table_of_scopes() -> None:
    assert slack_methods() == set(SCOPES_OF_METHOD)


def test_the_scopes_are_exactly_those_that_methods_events_and_commands_need(manifest: dict[str, Any]) -> None:
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    needed = {"commands"}
    for method in slack_methods():
        needed |= SCOPES_OF_METHOD[method]
    for event in registered("event"):
        needed = needed.union(*SUBSCRIPTIONS[event].values())

    assert sorted(scopes) == sorted(needed)
    assert "user" not in manifest["oauth_config"]["scopes"]


def test_the_local_slack_grants_what_the_manifest_asks_for(manifest: dict[str, Any]) -> None:
    # So that a method whose scope nobody asked for fails in the tests as it would at Slack.
    assert sorted(manifest["oauth_config"]["scopes"]["bot"]) == sorted(GRANTED)


def test_the_local_slack_asks_for_the_scopes_that_slack_documents() -> None:
    parts = {"files_upload_v2": ("files.getUploadURLExternal", "files.completeUploadExternal")}
    for name in SCOPES_OF_METHOD.keys() - {"apps_connections_open"}:
        for method in parts.get(name, (name.replace("_", "."),)):
            # Of a family, such as the history of every kind of channel, we need those kinds alone that we read.
            assert SCOPES_OF_METHOD[name] <= set(NEEDED[method]), method
            assert bool(SCOPES_OF_METHOD[name]) is bool(NEEDED[method]), method


def test_every_address_of_the_manifest_is_the_one_door_for_slack(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    addresses = {command["url"] for command in manifest["features"]["slash_commands"]}
    addresses |= {settings["event_subscriptions"]["request_url"], settings["interactivity"]["request_url"]}

    assert addresses == {"https://YOUR-HOST/slack/events"}
    assert ("POST", "/slack/events") in routes()


def test_the_app_home_is_switched_on_and_the_default_is_http_mode(manifest: dict[str, Any]) -> None:
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is False


def test_the_app_may_send_the_direct_messages_that_it_opens_and_takes_none(manifest: dict[str, Any]) -> None:
    # Otherwise Slack answers messages_tab_disabled; we subscribe to no message.im, so what people write would be lost.
    home = manifest["features"]["app_home"]

    assert home["messages_tab_enabled"] is ("conversations_open" in slack_methods())
    assert home["messages_tab_read_only_enabled"] is ("message.im" not in SUBSCRIPTIONS["message"])


def test_the_hints_of_the_commands_show_forms_that_are_understood(manifest: dict[str, Any]) -> None:
    for command in manifest["features"]["slash_commands"]:
        for form in re.findall(r"[^\[\]|]+", command["usage_hint"].replace("[category]", "").replace("because …", "")):
            if command["command"] == "/threshold":
                phrases.threshold(f"refunds {form}")
            else:
                phrases.approvals(form)
    assert "tune 2%" in manifest["features"]["slash_commands"][0]["usage_hint"]


def test_the_manifest_stays_acceptable_when_it_is_switched_to_socket_mode() -> None:
    # As its comment says: the lines with YOUR-HOST go, and one flag changes.
    lines = (ROOT / "manifest.yml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "YOUR-HOST/" not in line]
    switched = "\n".join(kept).replace("socket_mode_enabled: false", "socket_mode_enabled: true")

    assert len(lines) - len(kept) == 4
    assert Draft7Validator(SCHEMA).is_valid(yaml.safe_load(switched))
