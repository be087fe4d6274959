"""The customers' channel: customers write there, and what the shop does about it becomes visible there."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from bot.connectors.slack_thread import parse_thread_id, thread_id
from bot.domain.errors import BadInput
from bot.local_slack import LocalSlack, Message
from bot.sample_shop.people import CUSTOMERS, CUSTOMERS_CHANNEL, JONAS, SHOP, Customer
from bot.sample_shop.tickets import Ticket, filled, tickets

FIRST_ORDER: Final = 1042
ORDERS_APART: Final = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A ticket that a customer has opened; `words` fill in the ticket's texts."""

    ticket: Ticket
    customer: Customer
    conversation: dict[str, Any]
    words: Mapping[str, str]


class Customers:
    """Writes into #customers; `reading_seconds` is how long a customer takes to answer."""

    def __init__(self, slack: LocalSlack, *, reading_seconds: float) -> None:
        self._slack, self._reading_seconds = slack, reading_seconds
        self._numbers = itertools.count()
        self._tickets = tickets()

    def next_case(self) -> Case:
        """The next customer writes; when every ticket was used, other customers come with the same troubles."""
        number = next(self._numbers)
        ticket = self._tickets[number % len(self._tickets)]
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        order = str(FIRST_ORDER + ORDERS_APART * number)
        words = {"first": customer.first, "order": order, "email": customer.email}
        now = datetime.now().astimezone()
        messages: list[dict[str, str]] = []
        root = ""
        for position, line in enumerate(ticket.lines):
            text: str = filled(line.text, words)
            ago = timedelta(hours=len(ticket.lines) - 1 - position)
            messages.append({"role": line.role, "text": text, "at": f"{now - ago:%d %b %H:%M}"})
            ts = self._write(_author(line.role, self._slack, customer), text, thread_ts=root or None)
            root = root or ts
        conversation = {
            "id": thread_id(CUSTOMERS_CHANNEL, root),
            "subject": ticket.subject,
            "customer": {"name": customer.name, "email": customer.email},
            "messages": messages,
        }
        return Case(ticket=ticket, customer=customer, conversation=conversation, words=words)

    async def thank(self, case: Case) -> None:
        """The customer reads the answer, and says something where the ticket has words for it."""
        if case.ticket.thanks:
            await asyncio.sleep(self._reading_seconds)
            self.tell(case.conversation["id"], case.customer.user, case.ticket.thanks)

    def carry_out(self, case: Case, action: Mapping[str, Any]) -> None:
        """What the AI's own tools do after a go-ahead."""
        args = action["args"]
        if action["name"] == "close_account":
            data = " and deletes the data" if args.get("delete_data") else ""
            self.tell(case.conversation["id"], SHOP, f"The shop closes the account of {case.customer.name}{data}.")
        elif action["name"] == "change_address":
            people = "two people deliver it" if args.get("two_person_delivery") else "one person delivers it"
            place = f"{args.get('street')}, {args.get('city')} {args.get('postcode')}, floor {args.get('floor')}"
            self.tell(case.conversation["id"], SHOP, f"Order {args.get('order')} now goes to {place}; {people}.")

    def tell(self, conversation: str, user: str, text: str) -> None:
        """A message in a customer's thread; a conversation that has none in #customers has nobody to tell."""
        try:
            channel, ts = parse_thread_id(conversation)
        except BadInput:
            return
        if channel == CUSTOMERS_CHANNEL and ts in self._slack.world.channel(channel).messages:
            self._write(user, text, thread_ts=ts)

    def _write(self, user: str, text: str, *, thread_ts: str | None) -> str:
        world = self._slack.world
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        message = Message(ts=world.new_ts(), channel=CUSTOMERS_CHANNEL, text=safe, user=user, thread_ts=thread_ts)
        return world.post(message).ts


def _author(role: Literal["customer", "agent", "ai"], slack: LocalSlack, customer: Customer) -> str:
    return {"customer": customer.user, "agent": JONAS, "ai": slack.world.bot_user}[role]
