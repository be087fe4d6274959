"""What Slack demands of a manifest, for the parts that ours has: the rules of slackapi/manifest-schema, version 1."""

from typing import Any


def _text(longest: int, *, shortest: int = 1, pattern: str | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": "string", "minLength": shortest, "maxLength": longest}
    return rule | ({"pattern": pattern} if pattern else {})


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(item: dict[str, Any], longest: int, *, shortest: int = 0, unique: bool = False) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": shortest, "maxItems": longest, "uniqueItems": unique}


_FLAG = {"type": "boolean"}
_NUMBER = {"type": "integer"}
_ADDRESS = _text(3500, pattern="^https?://")
_COMMAND_ADDRESS = _text(3000, pattern="^https?://")
_SCOPES = _list(_text(50), 255)
_EVENTS = _list(_text(50), 100, unique=True)

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **_object(
        "display_information",
        _metadata=_object(major_version=_NUMBER, minor_version=_NUMBER),
        display_information=_object(
            "name",
            name=_text(35),
            description=_text(140),
            long_description=_text(4000, shortest=175),
            background_color=_text(7, shortest=4, pattern="^#([0-9a-fA-F]{3}){1,2}$"),
        ),
        features=_object(
            app_home=_object(home_tab_enabled=_FLAG, messages_tab_enabled=_FLAG, messages_tab_read_only_enabled=_FLAG),
            bot_user=_object("display_name", display_name=_text(80), always_online=_FLAG),
            slash_commands=_list(
                _object(
                    "command",
                    "description",
                    command=_text(32, shortest=2, pattern="^/"),
                    url=_COMMAND_ADDRESS,
                    description=_text(2000),
                    usage_hint=_text(1000),
                    should_escape=_FLAG,
                ),
                50,
                shortest=1,
            ),
        ),
        oauth_config=_object(scopes=_object(bot=_SCOPES, user=_SCOPES)),
        settings=_object(
            event_subscriptions=_object(request_url=_ADDRESS, bot_events=_EVENTS, user_events=_EVENTS),
            interactivity=_object("is_enabled", is_enabled=_FLAG, request_url=_ADDRESS),
            org_deploy_enabled=_FLAG,
            socket_mode_enabled=_FLAG,
            token_rotation_enabled=_FLAG,
        ),
    ),
}
