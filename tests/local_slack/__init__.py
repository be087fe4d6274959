"""The local Slack, tested against the real Slack libraries."""
