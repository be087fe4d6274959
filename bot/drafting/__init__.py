"""Drafts for tickets: retrieval, a drafter without a model, one with litellm, and how sure to be of the result."""
