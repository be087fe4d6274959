from typing import Any

import pytest

from bot.intake.slack_messages import arrival_of, plain, starts_thread

EVENT = {"type": "message", "channel": "C0CUSTOMERS", "user": "U0ANA", "text": "Hello", "ts": "17.1"}


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("see <https://shop.example/a|the page>", "see the page (https://shop.example/a)"),
        ("see <https://shop.example>", "see https://shop.example"),
        ("<http://shop.example|shop.example>", "http://shop.example"),
        ("mail <mailto:a@b.example|a@b.example>", "mail a@b.example"),
        ("<@U0MARIA> and <@U0BEN|ben> in <#C0X|returns>", "@U0MARIA and @ben in #returns"),
        ("<!here> <!subteam^S1|@support> <!date^1^{date}|today>", "@here @@support @today"),
        ("&lt;!channel&gt; <b", "<!channel> <b"),
    ],
)
def test_slacks_text_is_read_as_it_was_typed(text: str, typed: str) -> None:
    assert plain(text) == typed


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "C0OTHER"},
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"user": None},
        {"text": "  "},
        {"text": None},
    ],
)
def test_what_is_no_persons_message_in_a_watched_channel_is_left_alone(changes: dict[str, Any]) -> None:
    assert arrival_of({**EVENT, **changes}, ("C0CUSTOMERS",)) is None


def test_a_file_without_words_is_a_ticket_that_names_it() -> None:
    event = {**EVENT, "text": "", "subtype": "file_share", "files": [{"name": "broken.png"}, {}]}
    found = arrival_of(event, ("C0CUSTOMERS",))
    assert found
    assert found.attachments == ("broken.png", "a file")


def test_a_thread_is_one_conversation() -> None:
    found = arrival_of({**EVENT, "ts": "18.2", "thread_ts": "17.1"}, ("C0CUSTOMERS",))
    assert found
    assert (found.conversation.id, found.key) == ("slack:C0CUSTOMERS:17.1", "C0CUSTOMERS:18.2")


@pytest.mark.parametrize("root", [{"user": "U0ANA", "ts": "17.1"}, {"user": "U0BEN", "ts": "17.1"}, {}, None, "17.1"])
def test_a_reply_that_was_also_sent_to_the_channel_names_the_threads_author_in_its_root(root: Any) -> None:
    event = {**EVENT, "subtype": "thread_broadcast", "ts": "18.2", "thread_ts": "17.1", "root": root}
    assert arrival_of(event, ("C0CUSTOMERS",))
    assert starts_thread(event) is (isinstance(root, dict) and root.get("user") == EVENT["user"])
