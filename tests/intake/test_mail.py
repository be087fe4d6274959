from email.message import EmailMessage

import pytest

from bot.intake.arrival import Arrival
from bot.intake.mail import LONGEST_TEXT, Unanswered, read_mail
from bot.intake.mail_text import text_of_html


def mail(text: str | None = "Where is my parcel?", **headers: str) -> EmailMessage:
    message = EmailMessage()
    names = {"From": "Ana Lopez <ana@customer.example>", "Subject": "My parcel", "Message-ID": "<1@customer.example>"}
    for name, value in {**names, **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
        message[name] = value
    if text is not None:
        message.set_content(text)
    return message


def read(message: EmailMessage | bytes, envelope_from: str | None = "ana@customer.example") -> Arrival:
    raw = message if isinstance(message, bytes) else message.as_bytes()
    found = read_mail(raw, envelope_from=envelope_from, ours=frozenset({"support@shop.example"}))
    assert isinstance(found, Arrival)
    return found


def test_an_email_is_a_conversation_that_begins_with_its_own_id() -> None:
    found = read(mail(Date="Sat, 14 Mar 2026 09:26:53 +0000"))
    assert found.conversation.id == "email:<1@customer.example>"
    assert found.conversation.subject == "My parcel"
    assert found.conversation.customer == {
        "email": "ana@customer.example",
        "name": "Ana Lopez",
        "message_id": "<1@customer.example>",
        "references": [],
    }
    (message,) = found.conversation.messages
    assert (message.role, message.text.strip(), message.at) == (
        "customer",
        "Where is my parcel?",
        "2026-03-14T09:26:53+00:00",
    )


@pytest.mark.parametrize(
    ("headers", "references"),
    [
        ({"References": "<0@x> <a@shop>"}, ("<0@x>", "<a@shop>", "<1@customer.example>")),
        ({"In_Reply_To": "<a@shop>"}, ("<a@shop>", "<1@customer.example>")),
        ({"References": "<0@x>", "In_Reply_To": "<a@shop>"}, ("<0@x>", "<a@shop>", "<1@customer.example>")),
        ({"References": "no id at all <>"}, ("<1@customer.example>",)),
        ({}, ("<1@customer.example>",)),
    ],
)
def test_its_thread_is_told_by_what_it_refers_to(headers: dict[str, str], references: tuple[str, ...]) -> None:
    found = read(mail(**headers))
    assert found.references == references
    assert found.conversation.id == f"email:{references[0]}"
    assert found.conversation.customer["references"] == list(references[:-1])


def test_without_a_message_id_the_same_bytes_are_the_same_email() -> None:
    message = mail()
    del message["Message-ID"]
    first, again = read(message), read(message)
    assert first.key == again.key
    message["X-Other"] = "1"
    assert read(message).key != first.key


@pytest.mark.parametrize(
    ("headers", "saying"),
    [
        ({"Auto_Submitted": "auto-replied"}, "Auto-Submitted"),
        ({"Auto_Submitted": "Auto-Generated; owner"}, "Auto-Submitted"),
        ({"Precedence": "bulk"}, "Precedence"),
        ({"Precedence": "auto_reply"}, "Precedence"),
        ({"X_Auto_Response_Suppress": "All"}, "X-Auto-Response-Suppress"),
        ({"List_Id": "News <news.example>"}, "mailing list"),
        ({"Return_Path": "<>"}, "bounce"),
        ({"From": "MAILER-DAEMON@mx.example"}, "Nobody reads"),
        ({"From": "no-reply@shop.example"}, "Nobody reads"),
        ({"From": "Support <support@shop.example>"}, "our own address"),
        ({"From": "not an address"}, "no sender"),
    ],
)
def test_what_a_machine_wrote_is_never_answered(headers: dict[str, str], saying: str) -> None:
    found = read_mail(mail(**headers).as_bytes(), envelope_from="x@y.example", ours=frozenset({"support@shop.example"}))
    assert isinstance(found, Unanswered)
    assert saying in found.reason


def test_a_bounce_is_told_by_its_envelope() -> None:
    found = read_mail(mail().as_bytes(), envelope_from="")
    assert isinstance(found, Unanswered)
    assert "bounce" in found.reason


def test_a_person_says_so_too() -> None:
    assert read(mail(Auto_Submitted="no"), None).key == "<1@customer.example>"


def test_the_plain_text_of_several_forms_is_read_and_the_files_are_named() -> None:
    message = mail("See the picture.\n")
    message.add_alternative("<p>See the <b>picture</b>.</p>", subtype="html")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="broken box.png")
    message.add_attachment("a,b\n", subtype="csv", filename="orders.csv")
    found = read(message)
    assert found.conversation.last_customer_text.strip() == "See the picture."
    assert found.attachments == ("broken box.png", "orders.csv")


def test_html_alone_is_read_as_text() -> None:
    message = mail(None)
    message.set_content("<html><style>p{}</style><p>Hello,</p><p>where is it?</p></html>", subtype="html")
    assert read(message).conversation.last_customer_text == "Hello,\n\nwhere is it?"


def test_two_megabytes_are_bounded_by_their_beginning_and_end() -> None:
    text = "The start. " + "word " * 400_000 + "The end."
    found = read(mail(text)).conversation.last_customer_text
    assert len(found) < LONGEST_TEXT + 100
    assert found.startswith("The start.")
    assert "The end." in found


def test_a_cut_message_is_read_as_far_as_it_goes() -> None:
    message = mail("See the picture.")
    message.add_attachment(b"\x00" * 100_000, maintype="image", subtype="png", filename="a.png")
    found = read(message.as_bytes()[:5_000])
    assert found.conversation.last_customer_text.strip() == "See the picture."
    assert found.attachments == ("a.png",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"From: =?utf-8?q?=ZZ?= <a@b.example>\r\n\r\nhi",
        b"From: a@b.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\nhi \xff",
        b"From: a@b.example\r\nContent-Type: multipart/mixed\r\n\r\nno boundary",
        b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"From: a@b.example\r\nMessage-ID: [\r\nDate: never\r\nReply-To: <<>>,\r\n\r\nhi",
        b"From: a@b.example, c@d.example\r\nSubject: " + b"x" * 10_000 + b"\r\n\r\nhi",
    ],
)
def test_nonsense_is_read_or_refused_and_never_raises(raw: bytes) -> None:
    assert isinstance(read_mail(raw, envelope_from="a@b.example"), Arrival | Unanswered)


def test_html_becomes_what_a_reader_sees() -> None:
    html = """<head><title>no</title></head><body>Hi&nbsp;there &amp; all<br>line<ul><li>one</li><li>two</li></ul>
    <a href="https://shop.example/x">the page</a> <a href="https://shop.example">https://shop.example</a>
    <blockquote>earlier</blockquote><script>alert(1)</script></body>"""
    text = text_of_html(html)
    assert text.split("\n")[:2] == ["Hi there & all", "line"]
    assert "- one" in text
    assert "the page (https://shop.example/x) https://shop.example" in text
    assert "> earlier" in text
    assert "alert" not in text
    assert "no" not in text.split()


def test_unclosed_html_is_read_as_far_as_it_goes() -> None:
    assert text_of_html("<p>a<div>b<a href='x'>c").split() == ["a", "bc"]


def test_a_subject_that_is_cut_keeps_no_beginning_of_a_secret() -> None:
    for at in range(484, 500):
        found = read(mail(Subject=f"{'x' * (at - 1)} 4242 4242 4242 4242 was charged"))
        assert "4242 4" not in str(found.conversation.subject)
