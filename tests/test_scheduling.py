"""Threads that share one interpreter do not push each other aside."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from bot.scheduling import take_turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has SCHED_BATCH")
T = TypeVar("T")


def in_a_thread(work: Callable[[], T]) -> T:
    """What is chosen for a thread goes with it: the tests' own stays as it is."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def test_a_thread_and_those_that_it_begins_take_turns() -> None:
    def both() -> tuple[int, int]:
        take_turns()
        return os.sched_getscheduler(0), in_a_thread(lambda: os.sched_getscheduler(0))

    before = os.sched_getscheduler(0)
    assert in_a_thread(both) == (os.SCHED_BATCH, os.SCHED_BATCH)
    assert os.sched_getscheduler(0) == before


def test_what_an_admin_has_chosen_stays() -> None:
    def chosen() -> int:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        take_turns()
        return os.sched_getscheduler(0)

    assert in_a_thread(chosen) == os.SCHED_IDLE


def test_where_it_is_forbidden_sayso_runs_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(_: int, policy: int, __: object) -> None:
        asked.append(policy)
        raise PermissionError

    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_OTHER)
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    take_turns()
    assert asked == [os.SCHED_BATCH]
