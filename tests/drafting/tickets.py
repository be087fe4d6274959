"""Tickets and precedents for the tests."""

from bot.domain.canonical import Json
from bot.domain.proposal import Content, Conversation, Message, Reply
from bot.drafting.draft import Ticket
from bot.drafting.ports import Precedent
from bot.drafting.precedents import keep
from tests.drafting.shelves import Shelves


def ticket(text: str, *, category: str | None = None, customer: dict[str, Json] | None = None) -> Ticket:
    messages = (Message(role="customer", text=text),) if text else ()
    return Ticket(conversation=Conversation(id="c1", messages=messages, customer=customer or {}), category=category)


def precedent(
    number: int, question: str, final: str | Content, *, draft: str | None = None, category: str = "orders"
) -> Precedent:
    return Precedent(
        id=f"p{number}",
        category=category,
        question=question,
        final=Reply(text=final) if isinstance(final, str) else final,
        draft=Reply(text=draft) if draft else None,
        customer=question,
        at=f"2025-03-{number:02d}T10:00:00+00:00",
    )


def add(shelves: Shelves, *precedents: Precedent) -> None:
    def write(library: object) -> None:
        for one in precedents:
            keep(shelves.library, one)

    shelves.now(write)


def orders() -> Shelves:
    """A library with a few settled cases on three matters."""
    shelves = Shelves()
    add(
        shelves,
        precedent(1, "Where is my order A-1111?", "Your order A-1111 left our warehouse and arrives within 5 days."),
        precedent(
            2, "where's my parcel, order A-2222", "Your order A-2222 left our warehouse and arrives within 5 days."
        ),
        precedent(
            3, "My order A-3333 did not arrive", "Your order A-3333 left our warehouse and arrives within 5 days."
        ),
        precedent(4, "How do I reset my password?", "Open Settings and choose Reset password.", category="account"),
        precedent(
            5, "Can I reset the password of my account?", "Open Settings and choose Reset password.", category="account"
        ),
        precedent(
            6,
            "Which cards do you take?",
            "We take Visa and PayPal.",
            draft="We take all cards.",
            category="payment",
        ),
    )
    return shelves
