"""Sayso: a named person in charge of what a support AI says and does."""
