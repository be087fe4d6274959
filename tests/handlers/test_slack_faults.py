"""Slack in every mood: nothing is lost, nothing stands twice, and nobody is told a wrong reason."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.delivery import Delivered, Errand, ErrandKind, Failed, Postponed, Receipt
from bot.domain.proposal import Action
from bot.local_slack import LocalSlack
from bot.policy_file import load_policy
from bot.ports import Case
from bot.slack import ids
from bot.slack.courier import MENDABLE, SlackCourier, retry_after
from tests.handlers.nasty import NOW, case, proposal, walk
from tests.journeys.props import MovableClock, at_rest, empty_slack, pass_time, told, until_stored
from tests.world import BOT_TOKEN, POLICY, World, running_world

CARD = Errand(
    id="dlv_1",
    kind=ErrandKind.CARD,
    lane="slack:C0REVIEW",
    due_at=NOW,
    proposal_id=proposal().id,
    payload={"room": "review", "channel": "C0REVIEW"},
    attempts=1,
)


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with empty_slack() as made:
        yield made


@pytest.fixture
def courier(slack: LocalSlack) -> SlackCourier:
    client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, retry_handlers=[])
    return SlackCourier(client, load_policy(POLICY))


def again(errand: Errand, **changes: Any) -> Errand:
    fields = {name: getattr(errand, name) for name in errand.__dataclass_fields__}
    return Errand(**{**fields, **changes})


def cards(slack: LocalSlack) -> list[Any]:
    return [m for m in slack.messages("C0REVIEW") if ids.APPROVE in str(m.blocks)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 1),
        ("1", 1),
        ("30", 30),
        ("3600", 3600),
        ("86400", 3600),
        (None, 1),
        ("", 1),
        ("soon", 1),
        ("-5", 1),
        ("1.5", 1),
        ("9" * 400, 1),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 1),
    ],
)
async def test_slack_gets_the_patience_it_asks_for(
    slack: LocalSlack, courier: SlackCourier, header: str | None, seconds: int
) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=header)
    outcome = await courier.carry(CARD, case(proposal()))
    assert isinstance(outcome, Postponed)
    assert outcome.after == timedelta(seconds=seconds)
    assert outcome.hold_lane
    assert cards(slack) == []
    assert isinstance(await courier.carry(again(CARD, attempts=2), case(proposal())), Delivered)
    assert len(cards(slack)) == 1


def test_retry_after_is_read_whatever_its_case() -> None:
    for name in ("Retry-After", "retry-after", "RETRY-AFTER"):
        assert retry_after({name: "7"}) == timedelta(seconds=7)


@pytest.mark.parametrize("fault", ["server_error", "bad_gateway", "lose_answer", "hang"])
async def test_a_call_that_may_have_arrived_is_looked_up_before_it_is_made_again(
    slack: LocalSlack, courier: SlackCourier, fault: str
) -> None:
    more = {"seconds": 0.01} if fault == "hang" else {}
    getattr(slack.faults, fault)("chat.postMessage", **more)
    outcome = await courier.carry(CARD, case(proposal()))
    assert isinstance(outcome, Postponed)
    assert outcome.hold_lane
    assert courier.trouble
    done = await courier.carry(again(CARD, attempts=2), case(proposal()))
    assert isinstance(done, Delivered)
    (card,) = cards(slack)
    assert done.receipt == Receipt(
        errand_id="dlv_1", proposal_id=CARD.proposal_id, room="review", channel="C0REVIEW", ts=card.ts
    )
    assert courier.trouble is None


async def test_a_card_is_found_again_however_long_slack_was_away(slack: LocalSlack, courier: SlackCourier) -> None:
    slack.faults.lose_answer("chat.postMessage")
    queued = again(CARD, queued_at=_now(), due_at=_now())
    assert isinstance(await courier.carry(queued, case(proposal())), Postponed)
    # Slack answered nothing for an hour: the errand's turn was put off again and again.
    late = again(queued, attempts=9, due_at=_now() + timedelta(hours=1))
    assert isinstance(await courier.carry(late, case(proposal())), Delivered)
    assert len(cards(slack)) == 1


async def test_a_card_is_found_again_behind_hundreds_of_other_messages(
    slack: LocalSlack, courier: SlackCourier
) -> None:
    slack.faults.lose_answer("chat.postMessage")
    queued = again(CARD, queued_at=_now(), due_at=_now())
    assert isinstance(await courier.carry(queued, case(proposal())), Postponed)
    for number in range(450):
        await slack.person("U0OTHER").say("C0REVIEW", f"word {number}")
    assert isinstance(await courier.carry(again(queued, attempts=2), case(proposal())), Delivered)
    assert len(cards(slack)) == 1


def _now() -> Any:
    return MovableClock().now()


@pytest.mark.parametrize("name", sorted(MENDABLE - {"ratelimited", "rate_limited"}))
async def test_what_an_admin_can_mend_waits_until_it_is_mended(
    slack: LocalSlack, courier: SlackCourier, name: str
) -> None:
    slack.faults.fail("chat.postMessage", name)
    outcome = await courier.carry(CARD, case(proposal()))
    assert isinstance(outcome, Postponed)
    assert outcome.hold_lane
    assert name in (courier.trouble or "")


@pytest.mark.parametrize("name", ["invalid_blocks", "msg_too_long", "msg_blocks_too_long", "no_text"])
async def test_what_can_never_work_is_given_up_at_once(slack: LocalSlack, courier: SlackCourier, name: str) -> None:
    slack.faults.fail("chat.postMessage", name, times=2)
    assert isinstance(await courier.carry(CARD, case(proposal())), Failed)


@pytest.mark.parametrize("name", ["invalid_blocks", "msg_blocks_too_long"])
async def test_a_card_whose_blocks_slack_refuses_goes_in_brief_and_nothing_is_approved_on_it_unread(
    slack: LocalSlack, courier: SlackCourier, name: str
) -> None:
    """Slack documents not all of its bounds, and no case may be lost on one that we do not know."""
    many = proposal(Action(name="refund", args={f"n{number}": number for number in range(9)}))
    slack.faults.fail("chat.postMessage", name)
    posted = await courier.carry(CARD, case(many))
    assert isinstance(posted, Delivered)
    assert posted.receipt
    brief = slack.message("C0REVIEW", posted.receipt.ts)
    assert "This case is too long for a card; its beginning:" in str(brief.blocks)
    assert ids.READ in str(brief.blocks)
    assert ids.APPROVE not in str(brief.blocks)
    assert "table" not in [block["type"] for block in brief.blocks]

    both = Case(proposal=many, revisions=(many.revision,), receipts=(posted.receipt,))
    repaint = again(CARD, kind=ErrandKind.REPAINT)
    slack.faults.fail("chat.update", name)
    assert isinstance(await courier.carry(repaint, both), Delivered)
    assert ids.APPROVE not in str(slack.message("C0REVIEW", posted.receipt.ts).blocks)
    assert isinstance(await courier.carry(repaint, both), Delivered)
    assert ids.APPROVE in str(slack.message("C0REVIEW", posted.receipt.ts).blocks)


@pytest.mark.parametrize("name", ["invalid_blocks", "msg_blocks_too_long"])
async def test_a_notice_whose_blocks_slack_refuses_goes_in_brief(
    slack: LocalSlack, courier: SlackCourier, name: str
) -> None:
    lines = [{"label": "Why", "text": "word " * 100}]
    told_ops = again(CARD, kind=ErrandKind.NOTICE, payload={"channel": "C0OPS", "title": "It broke.", "lines": lines})
    slack.faults.fail("chat.postMessage", name)
    assert isinstance(await courier.carry(told_ops, case(proposal())), Delivered)
    (notice,) = slack.messages("C0OPS")
    assert 0 < str(notice.blocks).count("word") <= 20


@pytest.mark.parametrize("name", ["invalid_arguments", "metadata_too_large", "a_word_that_slack_invents_tomorrow"])
async def test_a_word_that_nobody_knows_does_not_stop_a_channel_for_ever(
    slack: LocalSlack, courier: SlackCourier, name: str
) -> None:
    slack.faults.fail("chat.postMessage", name)
    outcome = await courier.carry(CARD, case(proposal()))
    assert isinstance(outcome, Postponed)
    assert not outcome.hold_lane


@pytest.mark.parametrize("gone", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_of_two_cards_the_one_that_stands_is_painted_and_no_third_is_posted(
    slack: LocalSlack, courier: SlackCourier, gone: str
) -> None:
    shown = case(proposal())
    receipts = []
    for number in range(2):
        posted = await courier.carry(again(CARD, id=f"dlv_{number}"), shown)
        assert isinstance(posted, Delivered)
        assert posted.receipt
        receipts.append(posted.receipt)
    slack.faults.fail("chat.update", gone)
    both = Case(proposal=shown.proposal, revisions=shown.revisions, receipts=tuple(receipts))
    repaint = again(CARD, id="dlv_9", kind=ErrandKind.REPAINT)
    assert await courier.carry(repaint, both) == Delivered()
    assert len(cards(slack)) == 2


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("server_error", Postponed), ("bad_gateway", Postponed), ("no_channel", Delivered), ("gone", Failed)],
)
async def test_a_whisper_survives_a_hiccup_and_stops_nothing(
    slack: LocalSlack, courier: SlackCourier, fault: str, outcome: type
) -> None:
    payload: dict[str, Any] = {"channel": "C0REVIEW", "user": "U0BEN", "text": "Maria was faster."}
    if fault in ("server_error", "bad_gateway"):
        getattr(slack.faults, fault)("chat.postEphemeral")
    payload["channel"] = "C0NOWHERE" if fault == "no_channel" else "C0REVIEW"
    payload["user"] = "U0GONE" if fault == "gone" else "U0BEN"
    whisper = Errand(id="dlv_w", kind=ErrandKind.WHISPER, lane="whisper:U0BEN", due_at=NOW, payload=payload, attempts=1)
    found = await courier.carry(whisper, None)
    assert isinstance(found, outcome)
    assert not (isinstance(found, Postponed) and found.hold_lane)


async def test_a_whisper_mentions_nobody(slack: LocalSlack, courier: SlackCourier) -> None:
    payload = {"channel": "C0REVIEW", "user": "U0BEN", "text": "There is no <!channel> <@U0LEAD> \u202e & more."}
    whisper = Errand(id="dlv_w", kind=ErrandKind.WHISPER, lane="whisper:U0BEN", due_at=NOW, payload=payload, attempts=1)
    assert await courier.carry(whisper, None) == Delivered()
    (message,) = slack.ephemerals("U0BEN")
    assert message.text == "There is no &lt;!channel&gt; &lt;@U0LEAD&gt; &lt;U+202E&gt; &amp; more."


# through the whole bot


async def test_a_forged_button_mentions_nobody_in_the_answer(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    value = next(e["value"] for e in walk(card.blocks) if e.get("action_id") == ids.APPROVE)
    forged = value.replace(proposed["id"], "<!channel>")
    await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE, forged)
    line = await told(world, "U0MARIA", "There is no proposal")
    assert "<" not in line.text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("expired_trigger_id", "took too long to open the window"),
        ("exchanged_trigger_id", "took too long to open the window"),
        ("internal_error", "took too long to open the window"),
        ("view_too_large", "refused to open the window (view_too_large)"),
        ("invalid_auth", "refused to open the window (invalid_auth)"),
    ],
)
async def test_a_window_that_does_not_open_is_told_with_its_reason(world: World, name: str, sentence: str) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    world.slack.faults.fail("views.open", name)
    assert (await world.click("U0MARIA", card, ids.EDIT)).status == 200
    await told(world, "U0MARIA", sentence)
    assert world.slack.person("U0MARIA").view is None
    await world.click("U0MARIA", card, ids.EDIT)
    assert await world.slack.wait_for_view("U0MARIA")


async def test_a_click_is_answered_in_time_while_slack_hangs(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    world.slack.faults.hang("views.open", seconds=30)
    clicked = await world.click("U0MARIA", card, ids.EDIT)
    assert (clicked.status, clicked.error) == (200, None)
    assert clicked.ms < 3_000
    await told(world, "U0MARIA", "took too long to open the window")


async def test_all_that_is_asked_on_the_way_shares_the_three_seconds(world: World) -> None:
    """Each call alone would be in time; a click that is answered too late must not count."""
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    for method in ("users.info", "usergroups.list", "views.open"):
        world.slack.faults.hang(method, seconds=1.3)
    clicked = await world.slack.person("U0OTHER").click("C0REVIEW", card, ids.EDIT)
    assert (clicked.status, clicked.error) == (200, None)
    await told(world, "U0OTHER", "Slack did not say in time who may decide")
    assert (await world.get(proposed["id"]))["state"] == "pending"


@pytest.mark.parametrize("trouble", ["missing", "archived", "outside"])
async def test_a_channel_that_is_wrong_holds_its_own_cards_and_no_others(tmp_path: Path, trouble: str) -> None:
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        lost = world.slack.world.channels["C0REVIEW"]
        if trouble == "missing":
            del world.slack.world.channels["C0REVIEW"]
        elif trouble == "archived":
            world.slack.archive("C0REVIEW")
        else:
            world.slack.leave("C0REVIEW", world.slack.world.bot_user)
        held = await world.propose()
        other = await world.propose(category="legal")
        await world.card(other["id"], "C0ESCALATE")
        await until_stored(world, at_rest(clock, 1))
        async with world.http.get(f"{world.sayso.url}/readyz") as ready:
            assert ready.status == 503
            assert "slack:C0REVIEW" in await ready.text()
        world.slack.world.channels["C0REVIEW"] = lost
        world.slack.archive("C0REVIEW", archived=False)
        lost.members.add(world.slack.world.bot_user)
        pass_time(world, clock, timedelta(minutes=1))
        card = await world.card(held["id"])
        await world.click("U0MARIA", card, ids.APPROVE)
        assert (await world.get(held["id"], wait=5))["state"] == "executed"


async def test_a_token_that_slack_refuses_midway_holds_everything_and_loses_nothing(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        world.slack.faults.fail("chat.postMessage", "invalid_auth", channel="C0REVIEW")
        proposed = await world.propose()
        await until_stored(world, at_rest(clock, 1))
        async with world.http.get(f"{world.sayso.url}/readyz") as ready:
            assert ready.status == 503
            assert "invalid_auth" in await ready.text()
        pass_time(world, clock, timedelta(minutes=1))
        await world.card(proposed["id"])
        await until_stored(world, lambda tx: tx.outbox_size() == {})
        async with world.http.get(f"{world.sayso.url}/readyz") as ready:
            assert ready.status == 200


async def test_a_card_that_slack_never_takes_is_told_to_the_ops_channel_and_the_case_goes_on(world: World) -> None:
    world.slack.faults.fail("chat.postMessage", "invalid_blocks", channel="C0REVIEW", times=2)
    proposed = await world.propose()
    told_ops = await world.message("C0OPS", "could not be delivered")
    assert proposed["id"] in str(told_ops.blocks)
    after = await world.propose()
    await world.card(after["id"])
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_the_real_client_raises_what_the_courier_reads(slack: LocalSlack) -> None:
    client = AsyncWebClient(token="xoxb-wrong", base_url=slack.api_url, retry_handlers=[])
    with pytest.raises(SlackApiError):
        await client.auth_test()


WHISPER = Errand(
    id="dlv_2",
    kind=ErrandKind.WHISPER,
    lane="whisper:U0MARIA",
    due_at=NOW,
    payload={"channel": "C0REVIEW", "user": "U0MARIA", "text": "Ben approved <this> already."},
    attempts=1,
)


def unheard(slack: LocalSlack, error: str = "not_in_channel", *, times: int = 1) -> None:
    slack.faults.fail("chat.postEphemeral", error, times=times)


def direct(slack: LocalSlack) -> list[str]:
    return [message.text for message in slack.messages("U0MARIA")]


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"])
async def test_where_no_whisper_is_heard_it_is_said_in_a_direct_message(
    slack: LocalSlack, courier: SlackCourier, error: str
) -> None:
    unheard(slack, error)
    assert await courier.carry(WHISPER, None) == Delivered()
    assert direct(slack) == ["Ben approved &lt;this&gt; already."]
    assert slack.ephemerals("U0MARIA") == []


@pytest.mark.parametrize("error", ["user_not_found", "restricted_action", "msg_too_long"])
async def test_a_whisper_that_slack_refuses_for_another_reason_is_given_up(
    slack: LocalSlack, courier: SlackCourier, error: str
) -> None:
    unheard(slack, error)
    assert isinstance(await courier.carry(WHISPER, None), Failed)
    assert direct(slack) == []


@pytest.mark.parametrize("fault", ["lose_answer", "server_error", "bad_gateway", "hang"])
async def test_a_direct_message_that_may_have_arrived_is_not_sent_again(
    slack: LocalSlack, courier: SlackCourier, fault: str
) -> None:
    unheard(slack)
    more = {"seconds": 0.01} if fault == "hang" else {}
    getattr(slack.faults, fault)("chat.postMessage", **more)
    assert isinstance(await courier.carry(WHISPER, None), Failed)
    assert len(direct(slack)) == (fault == "lose_answer")


async def test_a_direct_message_that_an_interrupted_try_may_have_sent_is_not_sent_again(
    slack: LocalSlack, courier: SlackCourier
) -> None:
    for changes in ({"interrupted": True}, {"payload": {**WHISPER.payload, "maybe": True}}):
        unheard(slack)
        assert isinstance(await courier.carry(again(WHISPER, attempts=2, **changes), None), Failed)
    assert direct(slack) == []


async def test_a_direct_message_that_slack_slows_down_is_sent_later(slack: LocalSlack, courier: SlackCourier) -> None:
    unheard(slack, times=2)
    slack.faults.rate_limit("chat.postMessage", retry_after="7")
    first = await courier.carry(WHISPER, None)
    assert isinstance(first, Postponed)
    assert first.after == timedelta(seconds=7)
    assert await courier.carry(again(WHISPER, attempts=2), None) == Delivered()
    assert len(direct(slack)) == 1


async def test_a_whisper_after_a_lost_answer_may_still_become_a_direct_message(
    slack: LocalSlack, courier: SlackCourier
) -> None:
    slack.faults.server_error("chat.postEphemeral")
    assert isinstance(await courier.carry(WHISPER, None), Postponed)
    unheard(slack)
    assert await courier.carry(again(WHISPER, attempts=2), None) == Delivered()
    assert len(direct(slack)) == 1
