"""Shows a category's last weeks as a picture, in a direct message to whoever asked."""

from dataclasses import asdict

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.charts import draw_apart
from bot.domain.delivery import Delivered, Errand, Failed, Outcome
from bot.domain.errors import SaysoError
from bot.domain.offer import percent
from bot.domain.policy import CategoryRule
from bot.evidence import Week
from bot.ports import Case
from bot.slack.courier import NETWORK, said
from bot.thresholds import Thresholds

log = structlog.get_logger(__name__)


class ChartCourier:
    """Implements `bot.ports.Courier` for charts: a picture that fails is given up, since it can be asked for again."""

    def __init__(self, client: AsyncWebClient, thresholds: Thresholds) -> None:
        self._client, self._thresholds = client, thresholds

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        """Draw it in a process of its own, and upload it."""
        category, user = str(errand.payload["category"]), str(errand.payload["user"])
        try:
            rule, weeks = await self._thresholds.weeks(category)
            png = await draw_apart(document_of(rule, weeks))
            channel = (await self._client.conversations_open(users=user))["channel"]["id"]
            name = f"{rule.name}: the last {len(weeks)} weeks"
            await self._client.files_upload_v2(
                channel=channel, content=png, filename=f"{rule.name}.png", title=name, alt_txt=in_words(rule, weeks)
            )
        except SlackApiError as error:
            return _given_up(f"Slack refused the picture: {said(error)[1]}")
        except (*NETWORK, RuntimeError, SaysoError) as error:
            return _given_up(f"The picture of {category} could not be made: {error}")
        return Delivered()


def document_of(rule: CategoryRule, weeks: list[Week]) -> dict[str, object]:
    """What the drawing program is told."""
    return {
        "kind": "weeks",
        "title": f"{rule.name}, the last {len(weeks)} weeks",
        "risk": rule.risk,
        "weeks": [
            {
                "monday": f"{week.monday:%d %b}",
                "automated": week.automated,
                "held": week.held,
                "error": asdict(week.error) if week.error else None,
            }
            for week in weeks
        ],
    }


def in_words(rule: CategoryRule, weeks: list[Week]) -> str:
    """The picture for whoever cannot see it."""
    automated, held = sum(week.automated for week in weeks), sum(week.held for week in weeks)
    audits = sum(week.error.audits for week in weeks if week.error)
    wrong = sum(week.error.wrong for week in weeks if week.error)
    kept = f", of which at most {percent(rule.risk)} may be wrong" if rule.risk is not None else ""
    return f"{automated:,} ran on their own, {held:,} were held; {wrong:,} of {audits:,} audited were wrong{kept}."


def _given_up(error: str) -> Outcome:
    log.warning("chart_failed", error=error[:300])
    return Failed(error=error)
