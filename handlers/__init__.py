"""Every way in. `register` says on one screen all that Slack can tell us."""

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext

from bot.slack import ids
from handlers import actions, commands, events, messages, views
from handlers.desk import Desk


def register(app: AsyncApp, desk: Desk) -> None:
    """Connect Bolt's deliveries to our handlers."""

    async def hand_desk(context: AsyncBoltContext, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name
        context["desk"] = desk
        await next()

    app.use(hand_desk)

    app.action(ids.APPROVE)(actions.approve)
    app.action(ids.READ)(actions.read)
    app.action(ids.EDIT)(actions.edit)
    app.action(ids.ESCALATE)(actions.escalate)
    app.action(ids.TAKE_OVER)(actions.take_over)
    app.action(ids.MORE)(actions.more)
    app.action(ids.UNDO)(actions.undo)
    app.action(ids.RETRY)(actions.retry)
    app.action(ids.CONFIRM)(actions.confirm)
    app.action(ids.GIVE_UP)(actions.give_up)
    app.action(ids.OPEN)(actions.show)
    app.action(ids.REJECT)(actions.reject)
    app.action(ids.LOG_MORE)(actions.log_more)
    app.action(ids.APPLY)(actions.apply)

    app.view(ids.EDIT_VIEW)(views.edit)
    app.view(ids.READ_VIEW)(views.read)
    app.view(ids.REJECT_VIEW)(views.reject)

    app.command(ids.THRESHOLD_COMMAND)(commands.threshold)
    app.command(ids.APPROVALS_COMMAND)(commands.approvals)

    app.event("app_home_opened")(events.home_opened)
    app.event("user_change")(events.user_changed)
    app.event("message")(messages.posted)
