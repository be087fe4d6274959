"""Tickets in: every way a customer's words reach Sayso, the queue they wait in, and who drafts the answer."""
