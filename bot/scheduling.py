"""How the system shares its processors among the threads of this process."""

import contextlib
import os
import sys


def take_turns() -> None:
    """Let a thread that wakes up wait for a free processor, rather than push aside another one.

    Only one thread of Python's can run at a time: pushed aside while it holds the interpreter, it stops all of them.
    Other threads inherit this, so it comes before they begin. Only Linux knows it (`man 7 sched`, SCHED_BATCH), and
    what an admin has chosen for the process stays.
    """
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
