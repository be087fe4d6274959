"""The App Home: what waits for whoever looks, and a sentence for whoever may not."""

import asyncio

import pytest

from bot.local_slack.model import View
from bot.slack import ids
from tests.handlers.nasty import FAKE_APPROVAL, HIDING, INJECTIONS, read, walk
from tests.world import World, reply


async def test_home_shows_what_waits_for_whoever_looks(world: World) -> None:
    proposed = await world.propose(conversation={"id": "c", "customer": {"name": "Held Customer"}})
    assert (await world.slack.person("U0BEN").open_home()).ok
    home = await world.slack.wait_for_home("U0BEN")
    assert "Held Customer" in read(home.blocks)
    await world.slack.person("U0LEAD").open_home()
    assert "Held Customer" not in read((await world.slack.wait_for_home("U0LEAD")).blocks)
    await world.slack.person("U0BEN").click_in_view(home, ids.OPEN)
    view = await world.slack.wait_for_view("U0BEN")
    assert proposed["id"] in read(view.blocks)
    assert "Where is my" not in read(view.blocks)


async def test_each_case_says_in_its_own_block_when_it_expires(world: World) -> None:
    names = ["First Customer", "Second Customer"]
    for name in names:
        await world.propose(conversation={"id": name, "customer": {"name": name}})
    answer = await world.slack.person("U0BEN").command("/approvals", "C0REVIEW")
    await world.slack.person("U0BEN").open_home()
    for blocks in (answer.body["blocks"], (await world.slack.wait_for_home("U0BEN")).blocks):
        rows = [block for block in blocks if "Expires" in str(block)]
        assert len(rows) == len(names)
        assert all(name in str(row["text"]) and "Open" in str(row) for name, row in zip(names, rows, strict=True))


async def test_each_row_says_what_the_case_is_about_and_not_how_the_draft_greets(world: World) -> None:
    draft, who = {"text": "Hi Ana, thank you for writing to us."}, {"name": "Ana"}
    talk = [{"role": "customer", "text": f"Which\nparcel {'is it ' * 2000}"}, {"role": "agent", "text": "Yours."}]
    with_subject = {"id": "one", "customer": who, "subject": "Parcel lost", "messages": talk}
    await world.propose(reply=draft, conversation=with_subject)
    await world.propose(reply=draft, conversation={"id": "two", "customer": who, "messages": talk})
    await world.propose(reply=draft, conversation={"id": "three", "customer": who})
    await world.act("refund", {"order": "1042", "amount": 180}, conversation=with_subject | {"id": "four"})
    answer = await world.slack.person("U0BEN").command("/approvals", "C0REVIEW")
    await world.slack.person("U0BEN").open_home()
    for blocks in (answer.body["blocks"], (await world.slack.wait_for_home("U0BEN")).blocks):
        rows = [block["text"]["text"] for block in blocks if "Expires" in str(block)]
        assert rows[0] == "refunds · Ana: Parcel lost"
        assert rows[1].startswith("refunds · Ana: Which parcel is it is it")
        assert rows[2:] == [
            "refunds · Ana: Hi Ana, thank you for writing to us.",
            "refunds · Ana: refund(order: 1042, amount: 180)",
        ]


async def home_saying(world: World, words: str) -> None:
    """Wait until Ben's Home says this."""
    async with asyncio.timeout(15):
        while words not in read((await world.slack.wait_for_home("U0BEN")).blocks):
            await asyncio.sleep(0.01)


async def opened_from_home(world: World, user: str) -> View:
    await world.slack.person(user).open_home()
    await world.slack.person(user).click_in_view(await world.slack.wait_for_home(user), ids.OPEN)
    return await world.slack.wait_for_view(user)


async def test_a_case_can_be_approved_where_it_was_opened(world: World) -> None:
    proposed = await world.propose()
    view = await opened_from_home(world, "U0BEN")
    home = await world.slack.wait_for_home("U0BEN")
    for words in ("Where is my refund", "Your refund was sent on Monday.", "<#C0REVIEW>"):
        assert words in str(view.blocks), words
    assert (await world.slack.person("U0BEN").submit(view)).ok
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0BEN")
    assert world.slack.person("U0BEN").view is None
    # The Home that they still see may be older than the decision.
    await world.slack.person("U0BEN").click_in_view(home, ids.OPEN)
    again = await world.slack.wait_for_view("U0BEN")
    assert "Approved by Ben" in read(again.blocks)
    assert not again.payload.get("submit")


async def test_the_home_shows_no_more_what_was_approved_there(world: World) -> None:
    await world.propose(conversation={"id": "c", "customer": {"name": "Held Customer"}})
    view = await opened_from_home(world, "U0BEN")
    assert "Held Customer" in read((await world.slack.wait_for_home("U0BEN")).blocks)
    await world.slack.person("U0BEN").submit(view)
    await home_saying(world, "Every case is decided.")


async def test_the_click_does_not_wait_for_the_home(world: World) -> None:
    proposed = await world.propose()
    view = await opened_from_home(world, "U0BEN")
    world.slack.faults.hang("views.publish")
    async with asyncio.timeout(15):
        assert (await world.slack.person("U0BEN").submit(view)).ok
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_what_was_decided_is_not_denied_where_slack_does_not_say_who_looks(world: World) -> None:
    proposed = await world.propose()
    view = await opened_from_home(world, "U0BEN")
    await world.slack.deliveries.event({"type": "subteam_updated", "subteam": {"id": "S0SUPPORT"}})
    world.slack.faults.fail("usergroups.list", "internal_error", times=9)
    asked = len(world.slack.calls)
    assert (await world.slack.person("U0BEN").submit(view)).ok
    async with asyncio.timeout(15):
        while "usergroups.list" not in [call.method for call in list(world.slack.calls)[asked:]]:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert "nothing was decided" not in read((await world.slack.wait_for_home("U0BEN")).blocks)


async def test_a_window_that_slack_does_not_open_is_said_in_the_home(world: World) -> None:
    await world.propose()
    await world.slack.person("U0BEN").open_home()
    world.slack.faults.server_error("views.open")
    await world.slack.person("U0BEN").click_in_view(await world.slack.wait_for_home("U0BEN"), ids.OPEN)
    await home_saying(world, "Slack took too long to open the window; click again.")
    await home_saying(world, "1 waiting")


async def test_whoever_submits_an_opened_case_late_is_told_in_the_window(world: World) -> None:
    proposed = await world.propose()
    view = await opened_from_home(world, "U0BEN")
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await world.slack.person("U0BEN").submit(view)
    assert "Maria approved this" in read((await world.slack.wait_for_view("U0BEN")).blocks)


async def test_there_is_nothing_to_approve_where_there_is_no_draft(world: World) -> None:
    await world.propose(reply={"text": "  "})
    await world.slack.person("U0LEAD").open_home()
    home = await world.slack.wait_for_home("U0LEAD")
    await world.slack.person("U0LEAD").click_in_view(home, ids.OPEN)
    assert not (await world.slack.wait_for_view("U0LEAD")).payload.get("submit")


@pytest.mark.parametrize("user", ["U0GUEST", "U0STRANGER"])
async def test_home_tells_whoever_may_not_decide_so(world: World, user: str) -> None:
    await world.propose(conversation={"id": "c", "customer": {"name": "Held Customer"}})
    await world.slack.person(user).open_home()
    seen = read((await world.slack.wait_for_home(user)).blocks)
    assert "cannot decide here" in seen
    assert "Held Customer" not in seen


async def test_home_shows_their_words_as_words(world: World) -> None:
    for text in (*INJECTIONS.values(), *HIDING.values(), FAKE_APPROVAL):
        await world.propose(**reply(reply={"text": text}, conversation={"id": "c", "customer": {"name": text}}))
    await world.slack.person("U0BEN").open_home()
    home = await world.slack.wait_for_home("U0BEN")
    for found in walk(home.blocks):
        assert found.get("type") not in ("broadcast", "usergroup", "user", "link")
        if found.get("type") == "mrkdwn":
            assert not any(text in found["text"] for text in INJECTIONS.values())
    seen = read(home.blocks)
    assert not any(text in seen for text in HIDING.values())
    assert not [row for row in seen.splitlines() if row.startswith("✅ Approved by")]


async def test_home_is_there_again_after_slack_refused_it_once(world: World) -> None:
    world.slack.faults.server_error("views.publish")
    world.slack.deliveries.retry_delays = (0.0,)
    await world.slack.person("U0BEN").open_home()
    assert (await world.slack.wait_for_home("U0BEN")).blocks
