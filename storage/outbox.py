"""The outbox's part of a transaction: errands, lanes, leases, and the proof that messages stand."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from bot.domain.canonical import Json
from bot.domain.delivery import Errand, ErrandKind, Receipt
from bot.domain.moment import text_of_time, time_of_text
from storage import rows
from storage.rows import Row

FOLLOWERS = 15
ALONE = frozenset({ErrandKind.EXECUTE, ErrandKind.RELOG})
"""What is leased by itself.

Behind something else an execution would, after a crash, look as if its call might have left, and a log message would be
painted without the lines that were found meanwhile.
"""


class Outbox:
    """What `storage.store.Session` can do with errands and receipts; `errands` says that some were added."""

    _run: Callable[[str, dict[str, Any]], list[Row]]
    _one: Callable[..., Row | None]
    errands: bool

    def enqueue(self, errand: Errand) -> None:
        """Add an errand; where one that it coalesces with still waits, that one stands for it, no later than this."""
        self.errands = True
        row = rows.errand_row(errand)
        if errand.coalesce and self._run("coalesce", {name: row[name] for name in ("lane", "coalesce", "due_at")}):
            return
        self._run("enqueue", row)

    def recall(self, proposal_id: str) -> bool:
        """Take back an execution that nobody has leased yet; False where it is too late."""
        return bool(self._run("recall", {"proposal_id": proposal_id}))

    def lease(
        self, *, now: datetime, owner: str, until: datetime, limit: int, busy: frozenset[str] = frozenset()
    ) -> list[Errand]:
        """Lease up to `limit` lanes that are not `busy`, each with the run of errands that may go now, in order."""
        self.errands = False  # whoever leases has seen them all, and asks when the next are due
        at = text_of_time(now)
        leased: list[Errand] = []
        heads = self._run("lane_heads", {"now": at, "limit": limit + len(busy)})
        # The call of a busy one is still under way, though the clock may say that its lease is over.
        for head in [head for head in heads if head["lane"] not in busy][:limit]:
            leased += self._lease([head, *self._joining(head, at)] if head["more"] else [head], owner, until)
        return leased

    def lease_next(self, lane: str, *, now: datetime, owner: str, until: datetime) -> list[Errand]:
        """Lease the run of errands that may go now in a lane of which the caller has settled all that it had leased."""
        at = text_of_time(now)
        run = self._behind(lane, 0, at, limit=1)
        if not run and self._run("lane_waits", {"lane": lane}):
            self.errands = True  # it waits for its moment, which somebody has to ask for
        return self._lease([*run, *(self._joining(run[0], at) if run else [])], owner, until)

    def _joining(self, head: Row, at: str) -> list[Row]:
        """What may go right behind this one in the same lease."""
        if head["kind"] in ALONE:
            return []
        return list(takewhile(lambda row: row["kind"] not in ALONE, self._behind(head["lane"], head["seq"], at)))

    def _behind(self, lane: str, seq: int, at: str, limit: int = FOLLOWERS) -> list[Row]:
        return self._run("lane_followers", {"lane": lane, "seq": seq, "now": at, "limit": limit})

    def _lease(self, run: list[Row], owner: str, until: datetime) -> list[Errand]:
        lease = {"owner": owner, "until": text_of_time(until)}
        for row in run:
            self._run("lease", {"seq": row["seq"], **lease})
        return [rows.errand_of(row, attempts=row["attempts"] + 1) for row in run]

    def done(self, errand_id: str) -> None:
        """The errand arrived."""
        self._run("done", {"id": errand_id})

    def postpone(
        self, errand_id: str, *, due_at: datetime, error: str, payload: Mapping[str, Json] | None = None
    ) -> None:
        """Try the errand again at `due_at`, with another payload where one is given."""
        text = None if payload is None else rows.text_of_json(dict(payload))
        self._run("postpone", {"id": errand_id, "due_at": text_of_time(due_at), "error": error, "payload": text})
        self.errands = True

    def release(self, errand_id: str) -> None:
        """Give a leased errand back untried, because one before it in its lane has to wait."""
        self._run("release", {"id": errand_id})
        self.errands = True

    def hold_lane(self, lane: str, *, until: datetime) -> None:
        """Let nothing of this lane go before `until`."""
        self._run("hold_lane", {"lane": lane, "until": text_of_time(until)})

    def bury(self, errand_id: str, *, error: str) -> None:
        """Never try the errand again; it stays readable."""
        self._run("bury", {"id": errand_id, "error": error})

    def abandon_leases(self, now: datetime) -> None:
        """End every lease: for the start of the only process, whose predecessor is dead."""
        self._run("abandon_leases", {"now": text_of_time(now)})
        self.errands = True

    def clock_set_back(self, now: datetime, by: timedelta) -> None:
        """What waits for a moment, waits for it as long as it would have, had the clock not been set back by this."""
        for row in self._run("due_later", {"now": text_of_time(now)}):
            times = {name: row[name] and _earlier(row[name], now, by) for name in ("due_at", "leased_until")}
            self._run("set_times", {"seq": row["seq"], **times})
        for row in self._run("held_lanes", {"now": text_of_time(now)}):
            self._run("hold_lane", {"lane": row["lane"], "until": _earlier(row["held_until"], now, by)})
        self.errands = True

    def next_due(self) -> datetime | None:
        """When the next errand may go."""
        row = self._one("next_due")
        return time_of_text(row["at"]) if row and row["at"] else None

    def outbox_size(self) -> dict[str, int]:
        """Errands by state: ready, leased, dead."""
        return {row["state"]: int(row["n"]) for row in self._run("outbox_size", {})}

    def add_receipt(self, receipt: Receipt) -> None:
        """Keep the proof that a message stands."""
        names = ("errand_id", "proposal_id", "room", "channel", "ts")
        self._run("add_receipt", {name: getattr(receipt, name) for name in names})

    def receipts(self, proposal_id: str) -> list[Receipt]:
        """Every message about this proposal."""
        return [rows.receipt_of(row) for row in self._run("receipts", {"proposal_id": proposal_id})]

    def proposal_of_message(self, channel: str, ts: str) -> str | None:
        """Which proposal a message is about."""
        row = self._one("proposal_of_message", channel=channel, ts=ts)
        return row["proposal_id"] if row else None

    def message_proposals(self, channel: str, ts: str) -> list[str]:
        """The proposals that one message is about, in the order of its lines."""
        return [row["proposal_id"] for row in self._run("message_proposals", {"channel": channel, "ts": ts})]


def _earlier(text: str, now: datetime, by: timedelta) -> str:
    moment = time_of_text(text)
    return text_of_time(max(moment - by, now)) if moment > now else text
