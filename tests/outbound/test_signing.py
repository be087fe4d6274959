"""Webhook signatures hold as the Standard Webhooks specification says, and a poor secret is named."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.errors import BadInput
from bot.signing import BadSignature, UnusableSecret, sign, verify

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
BODY = '{"type":"proposal.executed","text":"schön"}'.encode()


def signed(at: datetime | None = None) -> dict[str, str]:
    return sign(SECRET, message_id="dlv_1", at=at or datetime.now(UTC), body=BODY)


def test_what_was_signed_verifies() -> None:
    headers = signed()
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    verify(SECRET, headers=headers, body=BODY)
    verify(SECRET, headers={name.title(): value for name, value in headers.items()}, body=BODY)


def test_the_signature_is_the_one_of_the_specification() -> None:
    headers = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    now = datetime.now(UTC)
    assert signed(now) == signed(now.astimezone(timezone(timedelta(hours=9))))


@pytest.mark.parametrize(
    ("secret", "change", "body"),
    [
        (OTHER, {}, BODY),
        (SECRET, {}, BODY + b" "),
        (SECRET, {"webhook-id": "dlv_2"}, BODY),
        (SECRET, {"webhook-id": ""}, BODY),
        (SECRET, {"webhook-timestamp": "soon"}, BODY),
        (SECRET, {"webhook-timestamp": "nan"}, BODY),
        (SECRET, {"webhook-signature": "v1"}, BODY),
        (SECRET, {"webhook-signature": "v1,%%%"}, BODY),
        (SECRET, {"webhook-signature": "v1,ü"}, BODY),
        (SECRET, {"webhook-signature": "v2,AAAA"}, BODY),
        (SECRET, {}, b"\xff"),
    ],
)
def test_anything_that_was_changed_does_not_verify(secret: str, change: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature, match="signature does not hold"):
        verify(secret, headers=signed() | change, body=body)


@pytest.mark.parametrize(("age", "words"), [(301, "too old"), (-303, "too new")])
def test_a_signature_holds_for_five_minutes(age: int, words: str) -> None:
    with pytest.raises(BadSignature, match=words):
        verify(SECRET, headers=signed(datetime.now(UTC) - timedelta(seconds=age)), body=BODY)
    verify(SECRET, headers=signed(datetime.now(UTC) - timedelta(seconds=290)), body=BODY)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "starts with whsec_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with whsec_"),
        ("whsec_", "this one 0"),
        ("whsec_AAAA", "this one 3"),
        ("whsec_not/base64!", "not Base64"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "this one 65"),
        ("whsec_schlüssel", "not Base64"),
        (SECRET[:20] + "!" + SECRET[20:], "not Base64"),
    ],
)
def test_an_unusable_secret_is_named_without_being_shown(secret: str, words: str) -> None:
    with pytest.raises(UnusableSecret, match=words) as refusal:
        sign(secret, message_id="dlv_1", at=datetime.now(UTC), body=BODY)
    assert secret.removeprefix("whsec_") not in str(refusal.value) or secret in ("", "whsec_")


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\nb", "ä"])
def test_an_id_that_could_be_read_two_ways_is_refused(message_id: str) -> None:
    with pytest.raises(BadInput, match="message id"):
        sign(SECRET, message_id=message_id, at=datetime.now(UTC), body=BODY)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="time zone"):
        sign(SECRET, message_id="dlv_1", at=datetime(2026, 1, 1), body=BODY)  # noqa: DTZ001
