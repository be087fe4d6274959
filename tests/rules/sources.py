"""Reads our own sources: what they register, call and name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import ids

ROOT = Path(__file__).parents[2]
METHODS = frozenset(name for name in dir(AsyncWebClient) if re.fullmatch(r"[a-z]+(_[a-zA-Z0-9]+)+", name))


def modules(*folders: str, without: str = "/none/") -> list[Path]:
    """The Python files of these folders."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if without not in path.as_posix()]


def calls(*paths: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    """(name, arguments) of every call of an attribute, as in `client.views_open(...)`."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.attr, node.args


def registered(kind: str) -> set[str]:
    """What `app.command(...)` or `app.event(...)` in handlers/__init__.py is told of."""
    register = ROOT / "handlers" / "__init__.py"
    return {_value(args[0]) for name, args in calls(register) if name == kind and args}


def _value(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return str(getattr(ids, node.attr))
    return str(ast.literal_eval(node))


def slack_methods() -> set[str]:
    """Every method of Slack's Web API that the bot calls, as `views_open`."""
    return {name for name, _ in calls(*modules("bot", "handlers", without="/local_slack/")) if name in METHODS}


def texts(path: Path) -> set[str]:
    """Every string that stands in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def routes() -> set[tuple[str, str]]:
    """(verb, path) of everything that the bot answers over HTTP."""
    files = [ROOT / "handlers" / name for name in ("api.py", "tickets.py", "inbound.py")]
    found = calls(*files, ROOT / "bot" / "app.py")
    return {
        (name.upper(), args[0].value)
        for name, args in found
        if name in {"get", "post"}
        and args
        and isinstance(args[0], ast.Constant)
        and isinstance(args[0].value, str)
        and args[0].value.startswith("/")
    }
