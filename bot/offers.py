"""A looser threshold as a proposal like any other: put to the admins in the ops channel, and taken back."""

from bot.domain.decision import SYSTEM, Ruling
from bot.domain.lifecycle import WAITING, Move, State, Verdict
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import Policy
from bot.domain.proposal import Action, Conversation, Proposal, Revision, digest_of
from bot.errands import OPS, Errands
from bot.moves import Moves
from bot.ports import Clock, Submission, Tx
from bot.submission import LONGEST_WAIT


class Offers:
    """One for each category at a time."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy, self._clock, self._moves = policy, clock, Moves(policy, clock)

    def offer(self, tx: Tx, category: str, content: Action, reason: str) -> Proposal:
        """Put a looser threshold to the admins, in place of an earlier offer that still waits."""
        self.retract(tx, category, "a newer look offers another threshold")
        now, name = self._clock.now(), f"thresholds:{category}"
        subject = "A category has earned more autonomy"
        proposal = Proposal(
            id=self._clock.new_id("prp"),
            agent=SYSTEM.id,
            category=category,
            conversation=Conversation(id=name, subject=subject, customer={"name": category}),
            revision=Revision(
                number=1,
                content=content,
                author=SYSTEM,
                digest=digest_of(content, recipient=name, connector=THRESHOLDS_CONNECTOR, revision=1),
            ),
            confidence=None,
            in_scope=True,
            evidence=(),
            connector=THRESHOLDS_CONNECTOR,
            recipient=name,
            state=State.PENDING,
            ruling=Ruling(verdict=Verdict.ASK, rule=f"categories.{category}.risk", reason=reason),
            created_at=now,
            expires_at=now + LONGEST_WAIT,
            lifetime=LONGEST_WAIT,
            cards=((OPS, self._policy.channels.ops),),
        )
        tx.add_proposal(proposal, Submission(key=proposal.id, body_hash=proposal.digest, salt=self._clock.salt()))
        tx.keep(f"offer:{category}", proposal.id)
        self._moves.audit(tx, "threshold.offered", SYSTEM, proposal, {"offer": content.canonical()})
        Errands(tx, self._policy, self._clock).card(proposal, OPS, self._policy.channels.ops)
        return proposal

    def retract(self, tx: Tx, category: str, reason: str) -> bool:
        """Take back an offer that still waits, if there is one: what it rests on no longer holds."""
        earlier = tx.kept(f"offer:{category}")
        if not isinstance(earlier, str) or (before := tx.proposal(earlier)).state not in WAITING:
            return False
        self._moves.cancelled(tx, before, SYSTEM, Move.WITHDRAW, reason)
        return True
