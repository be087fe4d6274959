"""What an approval covers: the digest on the button stands for every part of what would run, and for nothing else."""

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.canonical import Json
from bot.domain.decision import Actor
from bot.domain.proposal import Action, Content, Reply, digest_of
from tests.storage.builders import MARIA, a_proposal

BEN = Actor(kind="person", id="U0BEN", name="Ben")
REPLY = Reply(text="Your refund was sent on Monday — 42 € in all.")
REFUND = Action(name="refund", args={"order": "A-1042", "amount": 20.5, "parts": [1, None, True]})

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
replies = st.builds(Reply, text=texts)
contents = replies | st.builds(Action, name=texts, args=st.dictionaries(texts, values, max_size=3))
revisions = st.integers(1, 1000)


def digest(content: Content, to: str = "conv-9", by: str = "webhook:shop", number: int = 2) -> str:
    """The digest of this content, for that recipient, by that connector, as that revision."""
    return digest_of(content, recipient=to, connector=by, revision=number)


@pytest.mark.parametrize(
    ("content", "canonical", "golden"),
    [
        pytest.param(
            REPLY,
            """{"connector":"webhook:shop","content":{"text":"Your refund was sent on Monday — 42 € in all."},\
"kind":"reply","recipient":"conv-9","revision":2}""",
            "263e339d799e1dfa8364892a632387edf1e13a56387b0c0dcb15d3316489d325",
            id="reply",
        ),
        pytest.param(
            REFUND,
            """{"connector":"webhook:shop","content":{"args":{"amount":20.5,"order":"A-1042",\
"parts":[1,null,true]},"name":"refund"},"kind":"action","recipient":"conv-9","revision":2}""",
            "54780ffc75e3ece09e18033f5bfeb831cb807491bcb569177fa7f49d1948675c",
            id="action",
        ),
    ],
)
def test_a_fixed_content_has_the_digest_that_was_written_down_once(
    content: Content, canonical: str, golden: str
) -> None:
    """Cards that stand in Slack since an earlier release carry it: a change would make all of them stale."""
    assert digest(content) == golden
    assert hashlib.sha256(canonical.encode()).hexdigest() == golden, "the same, with the JSON written by hand"


@given(contents, contents)
def test_another_content_has_another_digest(one: Content, other: Content) -> None:
    assume(one != other)
    assert digest(one) != digest(other)


@given(contents, texts, texts, revisions, st.sampled_from(["recipient", "connector", "revision"]))
def test_each_single_part_is_covered(content: Content, to: str, by: str, number: int, part: str) -> None:
    changed = {
        "recipient": digest(content, to + "x", by, number),
        "connector": digest(content, to, by + "x", number),
        "revision": digest(content, to, by, number + 1),
    }[part]
    assert changed != digest(content, to, by, number)


class Spoken(Action):
    """An action whose canonical form is that of a reply: nothing but the kind tells them apart."""

    def canonical(self) -> dict[str, Json]:
        return {"text": self.name}


def test_a_reply_and_an_action_of_the_same_form_have_different_digests() -> None:
    assert digest(Spoken(name="refund", args={})) != digest(Reply(text="refund"))


def test_the_order_of_an_actions_arguments_changes_nothing() -> None:
    turned = Action(name=REFUND.name, args=dict(reversed(list(REFUND.args.items()))))
    assert list(turned.args) != list(REFUND.args)
    assert digest(turned) == digest(REFUND)


@given(replies)
def test_an_edit_is_the_next_revision_with_its_own_digest_even_of_the_same_words(content: Reply) -> None:
    first = a_proposal(approvals=(BEN,))
    second = first.revised(content, MARIA)
    third = second.revised(content, MARIA)
    assert (second.revision.number, third.revision.number) == (2, 3)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert second.digest == digest(content, first.recipient, first.connector, 2)
    assert second.approvals == (), "whoever approved the earlier wording has not seen this one"
