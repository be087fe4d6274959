"""Every particular of a draft occurs in its sources or in the ticket, or it is named."""

import time

import pytest

from bot.domain.proposal import Action, Reply
from bot.drafting.grounding import ground


def missing(draft: str, *sources: str) -> list[str]:
    return [one.text for one in ground(Reply(text=draft), sources).missing]


GROUNDED = [
    ("It costs $20.", "The fee is 20 dollars."),
    ("It costs $1,500.", "Price: USD 1500.00"),
    ("Das kostet 1.500,50 €.", "1500,50 EUR"),
    ("You get 20% off.", "a discount of 20 percent"),
    ("Within fourteen days.", "You have 14 days."),
    ("Within 14 days.", "You have fourteen days."),
    ("It arrives on March 12.", "Delivery: 2025-03-12"),
    ("It arrives on 12 March 2025.", "Delivery: March 12th, 2025"),
    ("We open on Mondays.", "Open on Monday and Tuesday"),
    ("We close at 5 pm.", "Open from 09:00 to 17:00"),
    ("See https://shop.example/returns.", "(www.shop.example/returns/)"),
    ("Write to Help@shop.example!", "help@shop.example"),
    ("Your order #A-4471 is here.", "order a4471"),
    ("Order 12345678 is here.", "my order is #12345678"),
    ("Call +1 800 123 4567.", "Phone: +1 (800) 123-4567"),
    ("Hi Maria, all done.", "Maria Lopez"),
    ("Hello, please open Settings and choose Privacy.", "settings, then privacy"),
    ("1. Restart it.\n2. Try again.", "nothing with digits"),
    ("I'm sorry to hear that. Please reply here.\n\nKind Regards,\nThe Support Team", ""),
    ("This one is for you.", ""),
]


@pytest.mark.parametrize(("draft", "source"), GROUNDED)
def test_what_the_source_says_in_other_words_is_grounded(draft: str, source: str) -> None:
    assert missing(draft, source) == []


UNGROUNDED = [
    ("It costs $20.", "It costs €20.", "$20"),
    ("It costs $20.", "It takes 20 days.", "$20"),
    ("It costs $20.50.", "It costs $20.", "$20.50"),
    ("You get 30% off.", "You get 20% off.", "30%"),
    ("See https://shop.example/returns.", "https://shop.example/", "https://shop.example/returns"),
    ("See https://shop.example.evil.example/.", "https://shop.example", "https://shop.example.evil.example/"),
    ("See shop-help.com/login.", "shop.com", "shop-help.com/login"),
    ("Click javascript:alert(1).", "", "javascript:alert(1)"),
    ("Write to help@shop.example.", "help@other.example", "help@shop.example"),
    ("It arrives on March 12.", "It arrives on March 13.", "March 12"),
    ("It arrives on March 12, 2026.", "It arrives on March 12, 2025.", "March 12, 2026"),
    ("It arrives on Friday.", "It arrives on Thursday.", "Friday"),
    ("It arrives tomorrow.", "It arrives soon.", "tomorrow"),
    ("We close at 6 pm, always.", "We close at 17:00.", "6 pm"),
    ("Order A-4472 is here.", "order A-4471", "A-4472"),
    ("It takes three days.", "It takes 2 days.", "three"),
    ("It takes 3-5 days.", "It takes 3 days.", "5"),
    ("Hi John, all done.", "Maria", "John"),
    ("We ship with DHL.", "We ship by parcel.", "DHL"),
    ("DHL brings it.", "We ship by parcel.", "DHL"),
    ("Your agent is Peter Parker.", "Peter", "Parker"),
]


@pytest.mark.parametrize(("draft", "source", "lost"), UNGROUNDED)
def test_what_no_source_says_is_named(draft: str, source: str, lost: str) -> None:
    assert missing(draft, source) == [lost]


def test_an_actions_arguments_are_checked_like_words() -> None:
    action = Action(name="refund", args={"order": "A-4471", "amount": 54.2, "why": ["late"], "notify": True})
    assert ground(action, ["Please refund order A4471, I paid 54.20"]).missing == ()
    assert [one.text for one in ground(action, ["Please refund order A4471"]).missing] == ["54.2"]


def test_the_sentences_name_what_is_missing_and_count_the_rest() -> None:
    draft = Reply(text=" ".join(f"Item {number} too." for number in range(10, 18)))
    found = ground(draft, ["nothing"])
    assert found.sentences[0] == "The number “10” occurs in neither the sources nor the ticket."
    assert found.sentences[-1] == "3 more particulars of the draft occur in neither."
    assert found.share == 0.0


def test_words_that_the_team_is_known_by_need_no_source() -> None:
    draft = Reply(text="Greetings from Acme Rockets.")
    assert len(ground(draft, []).missing) == 2
    assert ground(draft, [], known=["Acme Rockets"]).missing == ()


@pytest.mark.parametrize("piece", ["1-", "a@", "$1,", "( 1", "a.", "A ", "http://", "1 "])
def test_a_hostile_draft_does_not_take_long(piece: str) -> None:
    started = time.perf_counter()
    ground(Reply(text=piece * (40_000 // len(piece))), [piece * (16_000 // len(piece))])
    assert time.perf_counter() - started < 20
