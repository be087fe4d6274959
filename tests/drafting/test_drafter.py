"""A ticket becomes a draft without any model: precedents, grounding, triggers, confidence."""

from pathlib import Path

import pytest

from bot.domain.proposal import Action, Conversation, Message, Reply
from bot.drafting.draft import Draft, Sketch, Ticket
from bot.drafting.drafter import UNSORTED, Drafting, Settings
from bot.drafting.knowledge import Knowledge
from bot.drafting.ports import Library
from bot.drafting.precedent_drafter import PrecedentDrafter
from bot.drafting.retrieval import Found, Retriever, question
from tests.drafting.shelves import Shelves
from tests.drafting.tickets import add, orders, precedent, ticket


def drafting(shelves: Shelves, settings: Settings | None = None) -> Drafting:
    return Drafting(
        retriever=Retriever(shelves), writer=PrecedentDrafter(), access=shelves, settings=settings or Settings()
    )


async def test_the_nearest_approved_reply_is_drafted_with_this_customers_particulars() -> None:
    draft = await drafting(orders()).draft(ticket("Hello, where is my order B-9876?"))
    assert draft.content == Reply(text="Your order B-9876 left our warehouse and arrives within 5 days.")
    assert (draft.category, draft.concerns, draft.holds) == ("orders", (), ())
    assert draft.confidence is not None
    assert draft.confidence > 0.5
    assert draft.evidence[0].title.startswith("Earlier case p")
    assert "settled 2025-03-0" in draft.evidence[0].title
    assert (draft.cost, draft.tokens) == (0.0, 0)


async def test_the_reasons_are_words_about_earlier_cases() -> None:
    draft = await drafting(orders()).draft(ticket("Hello, where is my order B-9876?"))
    assert draft.reasons[0] == "This is the first of its kind."
    assert any("nearest earlier cases got an answer like this one" in reason for reason in draft.reasons)


async def test_the_record_of_the_category_comes_first_once_there_is_one() -> None:
    shelves = orders()
    first = await drafting(shelves).draft(ticket("where is my order B-9876?"))

    def decide(library: Library) -> None:
        for number in range(50):
            name = f"d{number:02d}"
            library.put_draft(
                name, category="orders", features=first.features, confidence=first.confidence or 0.0, at=name
            )
            assert library.settle(name, right=number not in (7, 8, 9), at=name)

    shelves.now(decide)
    draft = await drafting(shelves).draft(ticket("where is my order B-9876?"))
    assert draft.reasons[0] == "47 of the last 50 like this were approved unedited."


async def test_a_particular_that_the_ticket_lacks_leaves_a_hole_and_a_person() -> None:
    draft = await drafting(orders()).draft(ticket("where is my order?"))
    assert draft.content == Reply(text="Your order [order number] left our warehouse and arrives within 5 days.")
    assert draft.concerns == ("The draft still needs the order number, which the ticket does not state.",)


async def test_without_a_near_precedent_there_is_no_draft_but_a_reason() -> None:
    draft = await drafting(orders()).draft(ticket("Do you sponsor football clubs in Peru?"))
    assert (draft.content, draft.confidence, draft.category) == (None, None, UNSORTED)
    assert draft.concerns == ("No earlier case is near enough to answer from.",)


@pytest.mark.parametrize("text", ["", "   ", "?!", "\x00\ud800", '"; DROP TABLE precedents; --', "NEAR(a b) OR * ^x"])
async def test_odd_tickets_get_no_draft_and_no_error(text: str) -> None:
    draft = await drafting(orders()).draft(ticket(text))
    assert draft.content is None
    assert draft.concerns


async def test_a_ticket_of_two_megabytes_is_drafted_in_bounded_time_and_handed_to_a_person() -> None:
    draft = await drafting(orders()).draft(ticket("Where is my order B-9876? " + "lorem ipsum " * 170_000))
    assert any("characters long" in concern for concern in draft.concerns)


async def test_an_empty_library_has_no_answer() -> None:
    draft = await drafting(Shelves()).draft(ticket("where is my order?", category="orders"))
    assert draft.content is None
    assert draft.category == "orders"


async def test_what_the_customer_says_comes_before_what_the_draft_lacks() -> None:
    draft = await drafting(orders()).draft(ticket("Where is my order, my parcel? I will sue you!"))
    assert draft.content is not None
    assert "legal words" in draft.concerns[0]
    assert "still needs" in draft.concerns[1]


async def test_a_precedent_that_was_an_action_gives_no_words() -> None:
    shelves = Shelves()
    add(shelves, precedent(1, "Please refund order A-1", Action(name="refund", args={"order": "A-1"})))
    draft = await drafting(shelves).draft(ticket("please refund order B-2"))
    assert draft.content is None
    assert "settled by the action refund" in draft.concerns[0]


async def test_knowledge_confirms_what_only_one_precedent_says(tmp_path: Path) -> None:
    shelves = Shelves()
    add(shelves, precedent(1, "How much is express shipping?", "Express shipping costs $12."))
    alone = await drafting(shelves).draft(ticket("what does express shipping cost"))
    assert alone.content == Reply(text="Express shipping costs [amount].")
    (tmp_path / "shipping.md").write_text("# Shipping\nExpress shipping: 12 dollars.")
    await Knowledge(tmp_path, shelves).sync()
    draft = await drafting(shelves).draft(ticket("what does express shipping cost"))
    assert draft.content == Reply(text="Express shipping costs $12.")
    assert draft.concerns == ()
    assert [one.title for one in draft.evidence][1:] == ["Shipping"]


class Invents:
    """A writer that states what nothing supports, and the same again when asked for samples."""

    def __init__(self, text: str, *others: str) -> None:
        self.text = text
        self.others = others
        self.asked = 0

    async def write(self, ticket: Ticket, found: Found) -> Sketch:
        return self._sketch(self.text)

    async def samples(self, ticket: Ticket, found: Found) -> tuple[Sketch, ...]:
        self.asked += 1
        return tuple(self._sketch(text) for text in self.others)

    def _sketch(self, text: str) -> Sketch:
        return Sketch(category="orders", content=Reply(text=text), own_confidence=1.0, cost=0.01, tokens=10)


async def _draft(writer: Invents, threshold: float | None) -> Draft:
    shelves = orders()
    made = Drafting(
        retriever=Retriever(shelves), writer=writer, access=shelves, settings=Settings(threshold=lambda _: threshold)
    )
    return await made.draft(ticket("where is my order B-9876?"))


async def test_an_invented_particular_holds_the_case_and_the_card_says_which() -> None:
    draft = await _draft(Invents("It arrives on Friday, track it at https://evil.example."), 0.0)
    assert draft.holds == (
        "The date “Friday” occurs in neither the sources nor the ticket.",
        "The link “https://evil.example” occurs in neither the sources nor the ticket.",
    )
    assert draft.confidence is not None
    assert draft.confidence <= 0.04


GOOD = "Your order B-9876 left our warehouse and will arrive within days."


async def test_extra_samples_are_asked_for_near_the_threshold_alone() -> None:
    first = (await _draft(Invents(GOOD), None)).confidence
    assert first is not None
    near, far, none = Invents(GOOD, GOOD, GOOD), Invents(GOOD), Invents(GOOD)
    agreed = await _draft(near, first)
    await _draft(far, first - 0.3)
    await _draft(none, None)
    assert (near.asked, far.asked, none.asked) == (1, 0, 0)
    assert agreed.confidence == first
    assert agreed.tokens == 30
    assert agreed.cost == pytest.approx(0.03)


async def test_samples_that_disagree_lower_the_confidence() -> None:
    first = (await _draft(Invents(GOOD), None)).confidence
    assert first is not None
    differs = await _draft(Invents(GOOD, "Please write to us.", "No idea."), first)
    assert differs.confidence is not None
    assert differs.confidence < first - 0.1
    assert any("answered otherwise" in reason for reason in differs.reasons)


def test_few_newest_words_are_looked_up_with_the_earlier_ones() -> None:
    said = ("My washing machine leaks water", "hello?")
    talk = Conversation(id="c", subject="Help", messages=tuple(Message(role="customer", text=text) for text in said))
    assert question(talk) == "Help\nMy washing machine leaks water\nhello?"
