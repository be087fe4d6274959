"""Between rows and tickets."""

import json
from typing import Any

from bot.domain.canonical import Json
from bot.domain.moment import text_of_time, time_of_text
from bot.domain.proposal import Conversation, Message
from bot.domain.ticket import QueuedTicket, TicketState
from storage.rows import Row, text_of_json


def ticket_row(ticket: QueuedTicket) -> dict[str, Any]:
    """A ticket as its row."""
    return {
        **moving_columns(ticket),
        "id": ticket.id,
        "source": ticket.source,
        "key": ticket.key,
        "body_hash": ticket.body_hash,
        "conversation_id": ticket.conversation.id,
        "created_at": text_of_time(ticket.created_at),
    }


def moving_columns(ticket: QueuedTicket) -> dict[str, Any]:
    """The columns that may change."""
    return {
        "document": text_of_json(_document(ticket)),
        "state": ticket.state.value,
        "attempts": ticket.attempts,
        "due_at": text_of_time(ticket.due_at),
        "error": ticket.error,
        "proposal_id": ticket.proposal_id,
    }


def _document(ticket: QueuedTicket) -> dict[str, Json]:
    talk = ticket.conversation
    return {
        "agent": ticket.agent,
        "owner": ticket.owner,
        "category": ticket.category,
        "connector": ticket.connector,
        "attachments": list(ticket.attachments),
        "subject": talk.subject,
        "url": talk.url,
        "customer": dict(talk.customer),
        "messages": [[message.role, message.text, message.at] for message in talk.messages],
    }


def ticket_of(row: Row) -> QueuedTicket:
    """The ticket of its row."""
    document = json.loads(row["document"])
    return QueuedTicket(
        id=row["id"],
        source=row["source"],
        key=row["key"],
        body_hash=row["body_hash"],
        agent=document["agent"],
        owner=document["owner"],
        category=document["category"],
        connector=document["connector"],
        attachments=tuple(document["attachments"]),
        conversation=Conversation(
            id=row["conversation_id"],
            subject=document["subject"],
            url=document["url"],
            customer=document["customer"],
            messages=tuple(Message(role=role, text=text, at=at) for role, text, at in document["messages"]),
        ),
        created_at=time_of_text(row["created_at"]),
        due_at=time_of_text(row["due_at"]),
        state=TicketState(row["state"]),
        attempts=row["attempts"],
        error=row["error"],
        proposal_id=row["proposal_id"],
    )
