"""A Slack for one machine: the Web API, signed deliveries, Socket Mode and a web page, all in memory."""

from bot.local_slack.model import Call, Delivered, Message, SlackError, User, View
from bot.local_slack.person import Person
from bot.local_slack.server import LocalSlack

__all__ = ["Call", "Delivered", "LocalSlack", "Message", "Person", "SlackError", "User", "View"]
