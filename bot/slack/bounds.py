"""A limit of the policy that an edit ran into: in plain words, under the field of the argument that it is about."""

from bot.domain.condition import Condition
from bot.domain.errors import BadField, BadInput, SaysoError
from bot.domain.policy import Policy, bounds
from bot.domain.proposal import Action, Content, Proposal
from bot.slack import ids


def told_at_its_field(error: SaysoError, policy: Policy, proposal: Proposal, content: Content) -> SaysoError:
    """The same refusal for the edit window of `proposal`, where it says that the policy is against `content`."""
    if not isinstance(content, Action):
        return error
    customer = proposal.conversation.customer
    ruling = bounds(policy, content, category=proposal.category, customer=customer)
    if ruling is None or not error.sentence.startswith(ruling.reason):
        return error
    rule = policy.actions[content.name]
    condition = rule.refuse_when if ruling.rule.endswith(".refuse_when") else rule.escalate_when
    if condition is None:
        return error
    sentence = error.sentence.replace(condition.source, condition.in_words)
    culprit = _culprit(condition, proposal.content, content)
    return BadInput(sentence) if culprit is None else BadField(sentence, block=f"{ids.ARG_BLOCK}:{culprit}")


def _culprit(condition: Condition, before: Content, after: Action) -> str | None:
    """The argument that the condition names; of several the one that was edited; None where that is not clear."""
    named = [name for name in condition.arguments if name in after.args]
    old = before.args if isinstance(before, Action) else {}
    edited = [name for name in named if old.get(name) != after.args[name]]
    return next((found[0] for found in (named, edited) if len(found) == 1), None)
