"""The Web API methods of modals and Home: views.*."""

from bot.local_slack.api_chat import Method, required
from bot.local_slack.blocks import check_view
from bot.local_slack.forms import kept_values
from bot.local_slack.model import Json, SlackError, View
from bot.local_slack.state import VIEW_STACK, Workspace


def make_view(world: Workspace, user: str, view: Json, *, old: View | None = None, below: View | None = None) -> View:
    """Return the view object that Slack makes of what the app sent."""
    id = old.id if old else world.new_id("V")
    before = old.payload if old else {}
    payload: Json = {
        "id": id,
        "team_id": world.team_id,
        "type": view["type"],
        "blocks": view["blocks"],
        "private_metadata": view.get("private_metadata") or "",
        "callback_id": view.get("callback_id") or "",
        "state": {"values": kept_values(view["blocks"], before["state"]["values"]) if old else {}},
        "hash": world.new_ts(),
        "title": view.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
        "clear_on_close": bool(view.get("clear_on_close")),
        "notify_on_close": bool(view.get("notify_on_close")),
        "close": view.get("close"),
        "submit": view.get("submit"),
        "previous_view_id": below.id if below else before.get("previous_view_id"),
        "root_view_id": below.payload["root_view_id"] if below else before.get("root_view_id", id),
        "app_id": world.app_id,
        "external_id": view.get("external_id") or "",
        "app_installed_team_id": world.team_id,
        "bot_id": world.bot_id,
    }
    return View(id=id, user=user, payload=payload)


def modal(world: Workspace, view: object, *, replacing: View | None = None) -> Json:
    """Return a checked modal as the app sent it, refusing an external_id that is taken."""
    checked = check_view(view, lambda: world.new_id("b"), kind="modal")
    external = checked.get("external_id")
    if external and any(v.payload["external_id"] == external for v in world.views.values() if v is not replacing):
        raise SlackError("duplicate_external_id")
    return checked


def open_modal(world: Workspace, args: Json) -> Json:
    """views.open."""
    trigger = required(args, "trigger_id")
    checked = modal(world, args.get("view"))
    user = world.spend_trigger(trigger)
    view = make_view(world, user, checked)
    return {"view": world.show_view(view, "view_opened").payload}


def push_modal(world: Workspace, args: Json) -> Json:
    """views.push."""
    trigger = required(args, "trigger_id")
    checked = modal(world, args.get("view"))
    user = world.spend_trigger(trigger)
    return {"view": push(world, user, checked).payload}


def push(world: Workspace, user: str, checked: Json) -> View:
    """Put a modal on top of those that this person has open."""
    top = world.top_view(user)
    if top is None:
        raise SlackError("not_found")
    if len(world.stacks[user]) >= VIEW_STACK:
        raise SlackError("push_limit_reached")
    return world.show_view(make_view(world, user, checked, below=top), "view_pushed")


def update_modal(world: Workspace, args: Json) -> Json:
    """views.update, by view_id or external_id, guarded by hash."""
    id, external = args.get("view_id"), args.get("external_id")
    old = world.views.get(str(id)) if id else None
    if external and not id:
        old = next((v for v in world.views.values() if v.payload["external_id"] == external), None)
    if old is None:
        raise SlackError("not_found")
    if args.get("hash") and args["hash"] != old.payload["hash"]:
        raise SlackError("hash_conflict")
    if old.payload["type"] == "home":
        checked = check_view(args.get("view"), lambda: world.new_id("b"), kind="home")
        return {"view": world.show_view(make_view(world, old.user, checked, old=old), "home").payload}
    checked = modal(world, args.get("view"), replacing=old)
    return {"view": world.show_view(make_view(world, old.user, checked, old=old), "view_updated").payload}


def publish_home(world: Workspace, args: Json) -> Json:
    """views.publish."""
    user = world.users.get(required(args, "user_id"))
    if user is None or user.deleted:
        raise SlackError("user_not_found")
    checked = check_view(args.get("view"), lambda: world.new_id("b"), kind="home")
    old = world.homes.get(user.id)
    if args.get("hash") and (old is None or args["hash"] != old.payload["hash"]):
        raise SlackError("hash_conflict")
    return {"view": world.show_view(make_view(world, user.id, checked, old=old), "home").payload}


METHODS: dict[str, Method] = {
    "views.open": open_modal,
    "views.push": push_modal,
    "views.update": update_modal,
    "views.publish": publish_home,
}
