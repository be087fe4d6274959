"""Secrets leave a text before a channel or a log sees it; ordinary numbers stay."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.masking import mask

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAbc+/=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4242424242424242", "[card number ••4242]"),
        ("card 4242 4242 4242 4242, thanks", "card [card number ••4242], thanks"),
        ("4242-4242-4242-4242 123 12/27", "[card number ••4242] 123 12/27"),
        ("4242 4242 4242 4242 105", "[card number ••4242] 105"),  # Luhn agrees with all nineteen too
        ("order 1234 4242 4242 4242 4242", "order 1234 [card number ••4242]"),
        ("3782 822463 10005", "[card number ••0005]"),
        ("5555555555554444 and 6011111111111117", "[card number ••4444] and [card number ••1117]"),
        ("30569309025904", "[card number ••5904]"),
        ("2223003122003222", "[card number ••3222]"),
        ("4\xa02\xa04\xa02 4 2 4 2 4 2 4 2 4 2 4 2", "[card number ••4242]"),
        ("\uff14\uff12\uff14\uff12" * 4, "[card number ••4242]"),
    ],
)
def test_a_card_number_keeps_only_its_last_four_digits(text: str, masked: str) -> None:
    assert mask(text).text == masked
    assert mask(text).kinds == ("card number",)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DE89370400440532013000", "[IBAN ••3000]"),
        ("IBAN: DE89 3704 0044 0532 0130 00 is mine", "IBAN: [IBAN ••3000] is mine"),
        ("gb29nwbk60161331926819.", "[IBAN ••6819]."),
        ("FR14 2004 1010 0505 0001 3M02 606", "[IBAN ••2606]"),
        ("NO93 8601 1117 947", "[IBAN ••7947]"),
    ],
)
def test_an_iban_keeps_only_its_last_four_characters(text: str, masked: str) -> None:
    assert mask(text).text == masked
    assert mask(text).kinds == ("IBAN",)


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcDEF1234567890abcdef",
        "sk_live_" + "4eC39HqLyjWDarjtT1",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2_" * 8,
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-abcdefABCDEF",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        JWT,
        PEM,
    ],
)
def test_a_key_goes_whole(key: str) -> None:
    assert mask(f"use {key} please").text == "use [key] please"
    assert mask(f"use {key} please").kinds == ("key",)


def test_a_private_key_with_its_end_cut_off_goes_all_the_same() -> None:
    assert mask(PEM[:50]).text == "[key]"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password: hunter2, thanks", "password: [password], thanks"),
        ("my password is hunter2.", "my password is [password]."),
        ('password = "hello there"', 'password = "[password]"'),
        ("Passwort: Sonne", "Passwort: [password]"),
        ("contraseña: abc123", "contraseña: [password]"),
        ("*Password:* `Tr0ub4dor`", "*Password:* `[password]`"),
        ("PIN: 1234", "PIN: [password]"),
        ("api_key=abc123", "api_key=[password]"),
        ("https://bob:pw1@host.example/x", "https://bob:[password]@host.example/x"),
    ],
)
def test_a_password_in_a_phrase_goes_and_the_phrase_stays(text: str, masked: str) -> None:
    assert mask(text).text == masked
    assert mask(text).kinds == ("password",)


@pytest.mark.parametrize(
    "text",
    [
        "Your order 1234567890123456 has shipped",
        "order 4242 4242 4242 4243",
        "call +49 170 1234567 or +1 (555) 010-9999",
        "from 2024-01-01 to 2024-02-02, 2024-01-01 - 2024-02-02",
        "550e8400-e29b-41d4-a716-446655440000",
        "1700000000000 milliseconds",
        "tracking 00340434161094042557",
        "GB29 NWBK 6016 1331 9268 18",
        "Password is wrong",
        "Reset your password: https://acme.example/reset",
        "password: click the link below",
        "your PIN is 4 digits long",
        "the secret is out",
        "sk-learn-is-a-library-for-machines",
        "[card number ••4242] and password: [password]",
        "refund of 50.00 EUR for case 4532",
    ],
)
def test_ordinary_numbers_and_sentences_stay(text: str) -> None:
    assert mask(text).text == text
    assert mask(text).kinds == ()


def test_addresses_go_only_where_asked() -> None:
    text = "mail bob.smith+shop@mail.example.com now"
    assert mask(text).text == text
    assert mask(text, emails=True).text == "mail [e-mail] now"


def luhn_digit(digits: str) -> str:
    """The check digit by the textbook, as an independent judge."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True), st.integers(0, 9), st.sampled_from(["", " ", "-"]))
def test_luhn_alone_decides(digits: str, check: int, gap: str) -> None:
    number = digits + str(check)
    text = gap.join(number[at : at + 4] for at in range(0, 16, 4))
    right = str(check) == luhn_digit(digits)
    assert mask(f"pay with {text}.").text == (
        f"pay with [card number ••{number[-4:]}]." if right else f"pay with {text}."
    )


@given(st.text(st.sampled_from("0123456789 -:=@.passwordDEsk_eyJ[]\"'•\n"), max_size=80))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text, emails=True).text
    assert mask(once, emails=True).text == once


@pytest.mark.parametrize(
    "piece",
    [
        "hello world ",
        "1",
        "4 ",
        "4111 ",
        "DE89 ",
        "-----BEGIN PRIVATE KEY-----",
        "password: ",
        "a@",
        "sk-",
        "eyJ",
        "://a:",
    ],
)
def test_a_megabyte_takes_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    mask(text, emails=True)
    assert time.process_time() - started < 5
