"""The ticket queue's part of a transaction."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.domain.errors import NotFound
from bot.domain.moment import text_of_time, time_of_text
from bot.domain.ticket import QueuedTicket
from storage import ticket_rows
from storage.rows import Row


class Tickets:
    """What `storage.store.Session` can do with tickets and e-mail threads."""

    _run: Callable[[str, dict[str, Any]], list[Row]]
    touched: set[str]

    def _ticket(self, query: str, **parameters: Any) -> QueuedTicket | None:
        found = self._run(query, parameters)
        return ticket_rows.ticket_of(found[0]) if found else None

    def ticket(self, ticket_id: str) -> QueuedTicket:
        """The ticket of that id, or NotFound."""
        found = self._ticket("ticket", id=ticket_id)
        if found is None:
            raise NotFound(f"There is no ticket {ticket_id}.")
        return found

    def arrived(self, source: str, key: str) -> QueuedTicket | None:
        """The ticket that came in from this source under this key before."""
        return self._ticket("ticket_of_key", source=source, key=key)

    def waiting_ticket(self, conversation_id: str) -> QueuedTicket | None:
        """The ticket of this conversation that has no draft yet."""
        return self._ticket("waiting_ticket", conversation_id=conversation_id)

    def due_tickets(self, now: datetime, limit: int) -> list[QueuedTicket]:
        """Tickets to draft now, the longest due first."""
        found = self._run("due_tickets", {"now": text_of_time(now), "limit": limit})
        return [ticket_rows.ticket_of(row) for row in found]

    def any_ticket(self) -> bool:
        """Whether a ticket ever came in."""
        return bool(self._run("any_ticket", {}))

    def next_ticket(self) -> datetime | None:
        """When the next ticket is due."""
        found = self._run("next_ticket", {})
        return time_of_text(found[0]["at"]) if found and found[0]["at"] else None

    def add_ticket(self, ticket: QueuedTicket) -> None:
        """Keep a new ticket."""
        self._run("add_ticket", ticket_rows.ticket_row(ticket))
        self.touched.add(ticket.id)

    def change_ticket(self, ticket: QueuedTicket) -> None:
        """Write how a ticket stands now."""
        self._run("change_ticket", {"id": ticket.id, **ticket_rows.moving_columns(ticket)})
        self.touched.add(ticket.id)

    def release_tickets(self, now: datetime) -> None:
        """Make every waiting ticket due: for the start of the only process, whose predecessor is dead."""
        self._run("release_tickets", {"now": text_of_time(now)})

    def thread_of(self, references: list[str]) -> str | None:
        """The conversation that any of these e-mails belongs to; the newest reference counts first."""
        for reference in reversed(references):
            if found := self._run("thread", {"reference": reference}):
                return str(found[0]["conversation_id"])
        return None

    def add_thread(self, reference: str, conversation_id: str) -> None:
        """Remember which conversation an e-mail belongs to; the first word stands."""
        self._run("add_thread", {"reference": reference, "conversation_id": conversation_id})
