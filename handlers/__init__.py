"""Every way in. `register` says on one screen all that Slack can tell us."""

from functools import partial

from slack_bolt.async_app import AsyncApp

from bot.slack import ids
from handlers import actions, commands, events, home, messages, views
from handlers.desk import Desk


def register(app: AsyncApp, desk: Desk) -> None:
    """Connect Bolt's deliveries to our handlers, at this desk."""
    at = partial(partial, desk=desk)

    app.action(ids.APPROVE)(at(actions.approve))
    app.action(ids.READ)(at(actions.read))
    app.action(ids.EDIT)(at(actions.edit))
    app.action(ids.ESCALATE)(at(actions.escalate))
    app.action(ids.TAKE_OVER)(at(actions.take_over))
    app.action(ids.MORE)(at(actions.more))
    app.action(ids.UNDO)(at(actions.undo))
    app.action(ids.RETRY)(at(actions.retry))
    app.action(ids.CONFIRM)(at(actions.confirm))
    app.action(ids.GIVE_UP)(at(actions.give_up))
    app.action(ids.OPEN)(at(actions.show))
    app.action(ids.REJECT)(at(actions.reject))
    app.action(ids.LOG_MORE)(at(actions.log_more))
    app.action(ids.APPLY)(at(actions.apply))

    app.view(ids.EDIT_VIEW)(at(views.edit))
    app.view(ids.READ_VIEW)(at(views.read))
    app.view(ids.REJECT_VIEW)(at(views.reject))
    app.view(ids.ESCALATE_VIEW)(at(views.escalate))
    app.view(ids.RETRY_VIEW)(at(views.retry))

    app.command(ids.THRESHOLD_COMMAND)(at(commands.threshold))
    app.command(ids.APPROVALS_COMMAND)(at(commands.approvals))

    app.event("app_home_opened")(at(home.home_opened))
    app.event("user_change")(at(events.user_changed))
    app.event("subteam_updated")(at(events.group_updated))
    app.event("message")(at(messages.posted))
