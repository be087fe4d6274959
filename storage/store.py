"""One transaction's view of the store: each method is one or two named queries. The same for every database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.domain.audit import GENESIS, AuditEvent, Event, chained
from bot.domain.canonical import Json
from bot.domain.decision import Actor, Decision
from bot.domain.errors import NotFound
from bot.domain.moment import text_of_time, time_of_text
from bot.domain.proposal import Content, Proposal, Revision
from bot.domain.threshold import SettingChange
from bot.ports import Pause, Query, Submission, Token
from storage import rows
from storage.autonomy import Autonomy
from storage.outbox import Outbox
from storage.recent import HEAVIEST, Recent, Run
from storage.rows import Row
from storage.tickets import Tickets

SIGHTINGS_KEPT = timedelta(hours=1)


class Session(Outbox, Autonomy, Tickets):
    """Implements `bot.ports.Tx`; `run(name, parameters)` runs one named query and gives its rows.

    `touched` and `errands` gather what a commit has to tell those who wait. `recent` is what the writer remembers from
    one session to the next; whoever only reads has none.
    """

    def __init__(self, run: Run, *, recent: Recent | None = None) -> None:
        self._run, self._recent = run, recent
        self._salts: dict[str, str] = {}
        self._light: set[str] = set()
        self.touched: set[str] = set()
        self.errands = False
        self.paused: bool | None = None

    def _one(self, query: str, /, **parameters: Any) -> Row | None:
        found = self._run(query, parameters)
        return found[0] if found else None

    # proposals

    def proposal(self, proposal_id: str) -> Proposal:
        """The proposal of that id, or NotFound."""
        if self._recent and (known := self._recent.of(proposal_id)):
            found, self._salts[proposal_id] = known
            self._light.add(proposal_id)
            return found
        row = self._one("proposal", id=proposal_id)
        if row is None:
            raise NotFound(f"There is no proposal {proposal_id}.")
        self._salts[proposal_id] = row["salt"]
        self._weigh(proposal_id, row["document"])
        return rows.proposal_of(row)

    def _weigh(self, proposal_id: str, document: str) -> None:
        if len(document) <= HEAVIEST:
            self._light.add(proposal_id)

    def add_proposal(self, proposal: Proposal, submission: Submission) -> None:
        """Write a new proposal with its first revision, and its decision where the policy made one."""
        row = rows.proposal_row(proposal, submission)
        self._run("add_proposal", row)
        self._weigh(proposal.id, row["document"])
        self.add_revision(proposal, proposal.created_at)
        if proposal.decision:
            self._run("add_decision", rows.decision_row(proposal.id, proposal.decision))
        self._salts[proposal.id] = submission.salt
        self.touched.add(proposal.id)
        self._keep_in_mind(proposal, row["progress"])

    def swap(self, before: Proposal, after: Proposal) -> bool:
        """Replace `before` by `after` if it is still exactly `before`: (id, state, revision, digest, version)."""
        columns = rows.moving_columns(after)
        changed = self._run(
            "swap_proposal",
            {
                **columns,
                "id": before.id,
                "was_state": before.state.value,
                "was_revision": before.revision.number,
                "was_digest": before.digest,
                "was_version": before.version,
            },
        )
        if not changed:
            return False
        # A decision that an undo brings back stands written already.
        if after.decision and after.decision != before.decision and after.turn == before.turn:
            self._run("add_decision", rows.decision_row(after.id, after.decision))
        self.touched.add(after.id)
        self._keep_in_mind(after, columns["progress"])
        return True

    def add_revision(self, proposal: Proposal, at: datetime) -> None:
        """Write the present revision, which somebody made then."""
        self._run("add_revision", rows.revision_row(proposal, at))

    def _keep_in_mind(self, proposal: Proposal, progress: str) -> None:
        """Have it remembered, if it is light enough."""
        if self._recent is None:
            return
        if proposal.id in self._light and len(progress) <= HEAVIEST:
            self._recent.remember(proposal, self.salt(proposal.id))
        else:
            self._recent.drop(proposal.id)

    def find(self, query: Query) -> list[Proposal]:
        """Newest first; in outline, where that is enough, without what may be long, as `Query` says."""
        found = self._run(
            "find",
            {
                "states": _listed(state.value for state in query.states),
                "category": query.category,
                "agent": query.agent,
                "cursor": query.cursor,
                "limit": query.limit,
            },
        )
        return self._each("outline" if query.outline else "proposal", found)

    def waiting(self, limit: int = 100) -> list[Proposal]:
        """What waits for a person, the soonest to expire first, in outline."""
        return self._each("outline", self._run("waiting", {"limit": limit}))

    def _each(self, query: str, found: list[Row]) -> list[Proposal]:
        # One by one: sorting, and rows that are read but not yet objects, then never hold a heavy case each.
        return [rows.proposal_of(self._run(query, {"id": row["id"]})[0]) for row in found]

    def waiting_in_all(self) -> int:
        """How many proposals wait for a person."""
        return int(self._run("waiting_in_all", {})[0]["n"])

    def state_sizes(self) -> dict[str, int]:
        """Proposals by state; a state that none is in is left out."""
        return {row["state"]: int(row["n"]) for row in self._run("state_sizes", {})}

    def waiting_of(self, agent: str) -> int:
        """How many proposals of this agent wait for a person."""
        return int(self._run("waiting_of", {"agent": agent})[0]["n"])

    def submitted(self, agent: str, key: str) -> tuple[str, str] | None:
        """(proposal id, body hash) of what this agent sent under this key before."""
        row = self._one("submitted", agent=agent, key=key)
        return (row["id"], row["body_hash"]) if row else None

    def salt(self, proposal_id: str) -> str:
        """The salt of this proposal's audit commitments."""
        if proposal_id not in self._salts:
            row = self._one("salt", id=proposal_id)
            self._salts[proposal_id] = str(row["salt"]) if row else ""
        return self._salts[proposal_id]

    def overdue(self, now: datetime, limit: int) -> list[str]:
        """Ids of waiting proposals whose time is over."""
        return [row["id"] for row in self._run("overdue", {"now": text_of_time(now), "limit": limit})]

    def next_expiry(self) -> datetime | None:
        """When the next waiting proposal expires."""
        row = self._one("next_expiry")
        return time_of_text(row["at"]) if row and row["at"] else None

    def conversation_proposals(self, conversation_id: str, limit: int = 20) -> list[Proposal]:
        """The proposals of one conversation, newest first."""
        found = self._run("conversation_proposals", {"conversation_id": conversation_id, "limit": limit})
        return [rows.proposal_of(row) for row in found]

    def open_in(self, conversation_id: str) -> list[Proposal]:
        """The proposals of one conversation that are not closed, newest first."""
        return [rows.proposal_of(row) for row in self._run("open_in", {"conversation_id": conversation_id})]

    def revisions(self, proposal_id: str) -> list[Revision]:
        """Every revision, the AI's first."""
        return [rows.revision_of(row) for row in self._run("revisions", {"proposal_id": proposal_id})]

    def draft(self, proposal: Proposal) -> Content:
        """The AI's own wording, which an edit may have replaced."""
        return proposal.content if proposal.revision.number == 1 else self.revisions(proposal.id)[0].content

    def decisions(self, proposal_id: str) -> list[Decision]:
        """Every decision in order."""
        return [rows.decision_of(row) for row in self._run("decisions", {"proposal_id": proposal_id})]

    def interventions(self, proposal_id: str) -> list[Event]:
        """What people did about a decided case, in order: undone, tried again, confirmed that it happened."""
        return [rows.audit_of(row).event for row in self._run("interventions", {"proposal_id": proposal_id})]

    # the team: settings, pause, tokens

    def settings(self) -> dict[str, SettingChange]:
        """The latest change of each category that was ever changed."""
        return {row["category"]: rows.setting_of(row) for row in self._run("settings", {})}

    def setting_history(self, category: str, limit: int = 20) -> list[SettingChange]:
        """The changes of one category, newest first."""
        return [rows.setting_of(row) for row in self._run("setting_history", {"category": category, "limit": limit})]

    def change_setting(self, change: SettingChange) -> None:
        """Write the next version of a category's setting."""
        self._run("add_setting", rows.setting_row(change))

    def pause(self) -> Pause | None:
        """Who stopped executions, or None."""
        value = self.kept("pause")
        if not isinstance(value, dict):
            return None
        by = Actor(kind="person", id=str(value["id"]), name=str(value["name"]))
        reason = value["reason"]
        return Pause(by=by, at=time_of_text(str(value["at"])), reason=None if reason is None else str(reason))

    def set_pause(self, pause: Pause | None) -> None:
        """Stop executions, or let them go on."""
        value: Json = None
        if pause:
            value = {"id": pause.by.id, "name": pause.by.name, "at": text_of_time(pause.at), "reason": pause.reason}
        self.keep("pause", value)
        self.errands, self.paused = True, pause is not None

    def kept(self, name: str) -> Json:
        """A small named value, or None."""
        row = self._one("kept", name=name)
        return None if row is None else rows.json_of(row["value"])

    def keep(self, name: str, value: Json) -> None:
        """Write a small named value."""
        self._run("keep", {"name": name, "value": rows.text_of_json(value)})

    # tokens

    def token(self, hash_: str) -> Token | None:
        """The token with this SHA-256, or None."""
        row = self._one("token", hash=hash_)
        return rows.token_of(row) if row else None

    def tokens(self) -> list[Token]:
        """Every token, the oldest first."""
        return [rows.token_of(row) for row in self._run("tokens", {})]

    def add_token(self, token: Token) -> None:
        """Keep a new token."""
        self._run("add_token", rows.token_row(token))

    def touch_token(self, token_id: str, at: datetime) -> None:
        """Note when a token was last used."""
        self._run("touch_token", {"id": token_id, "at": text_of_time(at)})

    def revoke_token(self, name: str, at: datetime) -> bool:
        """Revoke every live token of that name; False where there is none."""
        return bool(self._run("revoke_token", {"name": name, "at": text_of_time(at)}))

    def first_sight(self, delivery: str, *, now: datetime) -> bool:
        """Whether this delivery of Slack's was never seen before (in the last hour)."""
        self._run("forget_sightings", {"before": text_of_time(now - SIGHTINGS_KEPT)})
        return bool(self._run("first_sight", {"delivery": delivery, "now": text_of_time(now)}))

    # the audit chain

    def audit(self, event: Event) -> None:
        """Append an event to the chain."""
        seq, previous = self.audit_head()
        written = chained(seq + 1, event, previous)
        self._run("add_audit", rows.audit_row(written))
        if self._recent:
            self._recent.head = (written.seq, written.hash)

    def audit_head(self) -> tuple[int, str]:
        """(number of events, hash of the last)."""
        if self._recent and self._recent.head:
            return self._recent.head
        row = self._one("audit_head")
        return (row["seq"], row["hash"]) if row else (0, GENESIS)

    def audit_events(self, *, after: int = 0, limit: int = 1000, kinds: Iterable[str] = ()) -> list[AuditEvent]:
        """Events in order, behind `after`; only those of some kinds where these are given."""
        parameters = {"after": after, "limit": limit, "kinds": _listed(kinds)}
        return [rows.audit_of(row) for row in self._run("audit_events", parameters)]


def _listed(names: Iterable[str]) -> str:
    """`,a,b,` for a query to look into, or nothing where nothing was listed."""
    joined = ",".join(names)
    return f",{joined}," if joined else ""
