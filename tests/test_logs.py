"""What Sayso logs: one line of key=value each, and no secret or e-mail address in any, whoever wrote the line."""

import subprocess
import sys
from pathlib import Path

import pytest

SECRETS = {
    "card number": "4242 4242 4242 4242",
    "IBAN": "DE89370400440532013000",
    "Slack's token": "xoxb-123456789012-abcdefABCDEF",
    "an agent's token": "sayso_hWOReqplqWF9o1edaNLAEXH5-FqENphaW1qcSatU59o",
    "a bearer": "Bearer a1B2c3D4e5F6g7H8i9J0k1L2",
    "a model's key": "sk-proj-abcDEF1234567890abcdef",
    "a webhook's secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a password": "password: hunter2go",
    "an address": "ana.lopez@example.com",
}
SCRIPT = """
import logging, sys
import structlog
from bot.logs import configure

secret = sys.argv[1]
configure("INFO")
ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")
ours.warning("a value", error=f"refused: {secret} is wrong", attempts=3)
ours.error(f"the event {secret} itself")
theirs.warning("an argument of a library: %s", secret)
try:
    raise ValueError(f"the traceback says {secret} too")
except ValueError as error:
    ours.exception("ours_failed")
    theirs.exception("theirs failed")
    ours.error("handed_over", exc_info=error)
"""


def logged(secret: str) -> list[str]:
    """The lines that a process writes which logs this secret in every way."""
    command = [sys.executable, "-c", SCRIPT, secret]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[1], timeout=60, check=True
    )
    assert done.stdout == "", "standard output is for answers"
    return done.stderr.splitlines()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_no_secret_is_logged_whoever_logs_it(secret: str) -> None:
    lines = logged(secret)
    assert len(lines) == 6, "each event is one line, a traceback too"
    for line in lines:
        assert secret.removeprefix("password: ").removeprefix("Bearer ") not in line
        assert line.startswith("timestamp="), line
    text = "\n".join(lines)
    for kept in ("refused: ", "attempts=3", "level='warning'", "level='error'", "ours_failed", "Traceback", "theirs"):
        assert kept in text, kept


def test_ordinary_words_and_numbers_are_logged_as_they_are() -> None:
    text = "\n".join(logged("order 1042 of 2025-03-12, dlv_01a216ccf1833def0bd2fdf25194"))
    assert text.count("order 1042 of 2025-03-12, dlv_01a216ccf1833def0bd2fdf25194") == 6
