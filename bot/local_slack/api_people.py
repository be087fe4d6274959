"""The Web API methods about who is there: auth.test, users.*, usergroups.*."""

from bot.local_slack.api_chat import Method, required, truth
from bot.local_slack.api_conversations import page
from bot.local_slack.model import Json, SlackError
from bot.local_slack.state import Workspace


def auth_test(world: Workspace, args: Json) -> Json:
    """auth.test."""
    return {
        "url": world.address,
        "team": world.team_name,
        "user": world.users[world.bot_user].name,
        "team_id": world.team_id,
        "user_id": world.bot_user,
        "bot_id": world.bot_id,
        "is_enterprise_install": False,
    }


def user_info(world: Workspace, args: Json) -> Json:
    """users.info."""
    user = world.users.get(required(args, "user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user.as_json()}


def list_users(world: Workspace, args: Json) -> Json:
    """users.list."""
    items, meta = page(list(world.users.values()), args)
    return {"members": [u.as_json() for u in items], "response_metadata": meta}


def list_groups(world: Workspace, args: Json) -> Json:
    """usergroups.list: disabled groups, members and their number only where asked for."""
    disabled, users, count = (truth(args.get(f"include_{what}")) for what in ("disabled", "users", "count"))
    groups = [group for group in world.groups.values() if disabled or not group.date_delete]
    return {"usergroups": [group.as_json(world.team_id, users=users, count=count) for group in groups]}


def group_users(world: Workspace, args: Json) -> Json:
    """usergroups.users.list."""
    group = world.groups.get(required(args, "usergroup"))
    if group is None or (group.date_delete and not truth(args.get("include_disabled"))):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "users.info": user_info,
    "users.list": list_users,
    "usergroups.list": list_groups,
    "usergroups.users.list": group_users,
}
