"""Run the local Slack alone: `python -m bot.local_slack --port 8000 --bot-url http://127.0.0.1:3000/slack/events`."""

import argparse
import asyncio
import contextlib
import signal
import sys

from bot.local_slack.server import LocalSlack

PEOPLE = (("maria", "Maria Lopez"), ("sam", "Sam Okafor"), ("jonas", "Jonas Weber"))


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.local_slack", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the page and of the Web API")
    parser.add_argument("--bot-url", help="where to deliver clicks, commands and events")
    parser.add_argument("--bot-token", default="xoxb-local", help="token that the bot calls the Web API with")
    parser.add_argument("--app-token", default="xapp-local", help="token that opens Socket Mode")
    parser.add_argument("--signing-secret", default="local-signing-secret", help="key of the deliveries' signatures")
    parser.add_argument("--command", action="append", default=[], help="slash command of the bot, such as /threshold")
    parser.add_argument("--pacing", action="store_true", help="answer 429 as Slack does: a message a second")
    parser.add_argument("--control", action="store_true", help="open POST /control/faults")
    return parser


async def run(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    slack = LocalSlack(
        bot_token=options.bot_token,
        signing_secret=options.signing_secret,
        app_token=options.app_token,
        pacing=options.pacing,
        control=options.control,
        port=options.port,
    )
    for name, real_name in PEOPLE:
        slack.add_user(name, real_name=real_name)
    slack.add_channel("general", topic="Everything")
    for command in options.command:
        slack.add_command(command)
    if options.bot_url:
        slack.connect_bot(options.bot_url)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with slack:
        print(f"Page     {slack.page_url}\nWeb API  {slack.api_url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    options = arguments().parse_args()
    try:
        asyncio.run(run(options))
    except OSError as error:
        sys.exit(f"cannot listen on port {options.port}: {error.strerror}. Choose another with --port.")
