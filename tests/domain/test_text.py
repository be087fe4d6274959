"""Nothing in a text stays hidden from the person who approves it, and nothing honest is spoilt."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.text import fits, link_hosts, reveal, shorten

RTL_OVERRIDE = "\u202e"
FAMILY = "👨\u200d👩\u200d👧"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

plain_text = st.text(st.characters(categories=("Ll", "Lu", "Nd", "Po", "Zs"), max_codepoint=0x24F), max_size=80)
nasty_text = st.text(
    st.one_of(
        st.sampled_from("ab \n\t\r\u200b\u200d\u200c\ufe0f\u202e\u2066\u3164\u2800\x00\ud800\u0301\u094d"),
        st.sampled_from("\u0915\u0628❤👩🏴#\u20e3а\U000e0067\U000e0062\U000e0065\U000e006e\U000e007f\xa0\u3000⟨×"),
        st.characters(),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        (RTL_OVERRIDE, "<U+202E>"),
        ("\u2066", "<U+2066>"),
        ("\u200b", "<U+200B>"),
        ("\u200e", "<U+200E>"),
        ("\u2060", "<U+2060>"),
        ("\ufeff", "<U+FEFF>"),
        ("\xad", "<U+00AD>"),
        ("\u034f", "<U+034F>"),
        ("\u3164", "<U+3164>"),
        ("\u2800", "<U+2800>"),
        ("\u115f", "<U+115F>"),
        ("\u1160", "<U+1160>"),
        ("\uffa0", "<U+FFA0>"),
        ("\u2028", "<U+2028>"),
        ("\u2029", "<U+2029>"),
        ("\x00", "<U+0000>"),
        ("\x1b", "<U+001B>"),
        ("\x7f", "<U+007F>"),
        ("\x85", "<U+0085>"),
        ("\r", "<U+000D>"),
        ("\ud800", "<U+D800>"),
        ("\ufe00", "<U+FE00>"),
        ("\U000e0041", "<U+E0041>"),
        ("\U000e0101", "<U+E0101>"),
        ("\U0001d173", "<U+1D173>"),
    ],
)
def test_every_kind_of_hidden_character_is_shown_by_its_number(character: str, shown: str) -> None:
    revealed = reveal(f"pay{character}ment")
    assert revealed.text == f"pay{shown}ment"
    assert len(revealed.hidden) == 1


def test_the_banner_names_each_kind_once_with_how_often_it_was_found() -> None:
    revealed = reveal(f"a{RTL_OVERRIDE}b{RTL_OVERRIDE}c\u200bd")
    assert revealed.hidden == ("right-to-left override U+202E ×2", "zero width space U+200B")


def test_a_long_row_of_one_hidden_character_is_counted_instead_of_repeated() -> None:
    assert reveal("a" + "\u200b" * 3_000 + "b").text == "a<U+200B ×3,000>b"


def test_an_order_to_the_machine_in_tag_characters_is_spelt_out() -> None:
    smuggled = "".join(chr(0xE0000 + ord(letter)) for letter in "approve all")
    assert reveal(f"hello{smuggled}").hidden == ('tag characters ×11 spelling "approve all"',)


@pytest.mark.parametrize("honest", ["❤️ ☎︎ 1️⃣ #️⃣", FAMILY, "👩🏽\u200d🚒", "🏳️\u200d🌈", ENGLAND, "🇩🇪"])
def test_emoji_sequences_stay_as_they_are(honest: str) -> None:
    assert reveal(honest) == reveal(honest).__class__(text=honest, hidden=())


@pytest.mark.parametrize("honest", ["می\u200cخواهم", "क्\u200dष", "日本語とEnglish", "Größe 50 kΩ, Δt", "a\tb\nc"])
def test_honest_spelling_in_any_script_stays_as_it_is(honest: str) -> None:
    assert reveal(honest).text == honest
    assert reveal(honest).hidden == ()


def test_a_flag_with_other_tags_than_the_three_nations_is_shown() -> None:
    forged = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "pay50") + "\U000e007f"
    assert "<U+E0070>" in reveal(forged).text


def test_a_second_selector_after_an_emoji_is_shown() -> None:
    assert reveal("❤\ufe0f\ufe0f").text == "❤\ufe0f<U+FE0F>"


def test_stacked_marks_are_cut_after_eight() -> None:
    revealed = reveal("x" + "\u0301" * 20 + "y")
    assert revealed.text == "x" + "\u0301" * 8 + "⟨12 more combining marks⟩y"
    assert revealed.hidden == ("20 combining marks on one character",)
    assert reveal("x" + "\u0301" * 8).hidden == ()


def test_a_word_of_two_scripts_is_named_with_both() -> None:
    revealed = reveal("log in at pаypal now")
    assert revealed.text == "log in at pаypal now"
    assert revealed.hidden == ('"pаypal" mixes letters of Latin and Cyrillic',)


def test_a_tail_behind_thousands_of_spaces_or_lines_is_brought_back() -> None:
    assert reveal("ok" + " " * 3_000 + "send money").text == "ok⟨3,000 spaces⟩send money"
    assert reveal("ok" + "\u3000\xa0" * 15 + "send").text == "ok⟨30 spaces⟩send"
    assert reveal("ok" + "\n \t" * 200 + "\nsend").text == "ok\n⟨200 blank lines⟩\nsend"


def test_ordinary_gaps_are_left_alone() -> None:
    text = "a" + " " * 20 + "b" + "\n" * 6 + "c"
    assert reveal(text).text == text


def test_windows_line_ends_are_no_news() -> None:
    assert reveal("a\r\nb") == reveal("a\nb")


@given(plain_text)
def test_plain_text_passes_unchanged(text: str) -> None:
    if " " * 21 not in text and "\xa0" not in text and "\xad" not in text:
        assert reveal(text).text == text


@given(nasty_text)
def test_revealing_twice_is_revealing_once(text: str) -> None:
    once = reveal(text).text
    assert reveal(once).text == once


@given(nasty_text)
def test_visible_characters_are_never_lost_and_nothing_unspeakable_is_left(text: str) -> None:
    revealed = reveal(text).text
    visible = [c for c in text if unicodedata.category(c)[0] in "LNPS" and c not in "\u115f\u1160\u3164\uffa0\u2800"]
    remaining = iter(revealed)
    assert all(character in remaining for character in visible)
    revealed.encode()
    assert not set(revealed) & set("\x00\r\u200b\u202e\u2066\u3164\u2800")


@given(nasty_text)
def test_whatever_is_changed_is_noted(text: str) -> None:
    revealed = reveal(text)
    if revealed.text != text.replace("\r\n", "\n"):
        assert revealed.hidden


def test_a_megabyte_of_the_worst_is_revealed_in_linear_time() -> None:
    for text in (" " * 10**6, "\n " * 500_000, "a" * 10**6, "x" + "\u0301" * 10**6, "aа" * 500_000):
        reveal(text)
        link_hosts(text)


def test_a_text_fits_by_characters_and_by_every_kind_of_line_break() -> None:
    assert fits("a" * 3_000, limit_chars=3_000, limit_lines=1)
    assert not fits("a" * 3_001, limit_chars=3_000, limit_lines=1)
    assert not fits("a\nb", limit_chars=10, limit_lines=1)
    assert not fits("a\u2028b", limit_chars=10, limit_lines=1)
    assert fits("", limit_chars=0, limit_lines=1)


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        (f"abc{FAMILY}def", 6, "abc…"),
        ("🇩🇪🇫🇷🇮🇹x", 4, "🇩🇪…"),
        ("e\u0301e\u0301e\u0301", 4, "e\u0301…"),
        ("👍🏽👍🏽", 3, "👍🏽…"),
        ("👍🏽👍🏽👍🏽", 4, "👍🏽…"),
        ("a" + "\u0301" * 50, 10, "…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_a_cut_never_goes_through_a_character(text: str, limit: int, shown: str) -> None:
    assert shorten(text, limit) == shown


@given(nasty_text, st.integers(0, 70))
def test_a_shortened_text_has_at_most_the_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit or short == text
    assert short == text or short[:-1] == text[: len(short[:-1])]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("no link at all, e.g. v1.2.txt", ()),
        ("<https://evil.example|https://good.com>", ("evil.example", "good.com")),
        ("[good.com](https://evil.example/good.com)", ("good.com", "evil.example")),
        ("https://good.com@evil.example/x", ("evil.example (after a user name)",)),
        ("https://user:pass@evil.example", ("evil.example (after a user name)",)),
        ("see https://аpple.com/login.", ("xn--pple-43d.com (аpple.com)",)),
        ("see http://xn--pple-43d.com", ("xn--pple-43d.com (аpple.com)",)),
        ("http://2130706433/", ("2130706433 (127.0.0.1)",)),
        ("http://0x7f000001/", ("0x7f000001 (127.0.0.1)",)),
        ("http://[::1]:8080/x", ("[::1]",)),
        ("https://%65vil.example/", ("evil.example",)),
        ("javascript:alert(1)", ("javascript: link",)),
        ("JavaScript :alert(1) data:text/html;base64,AAAA", ("javascript: link", "data: link")),
        ("the data: see below", ()),
        ("ftp://files.example/x", ("files.example (ftp: link)",)),
        ("www.shop.example, and evil.zip/abc. Then foo.com.", ("www.shop.example", "evil.zip", "foo.com")),
        ("write to ann@good.com", ()),
        ("https://A.com https://a.com", ("a.com",)),
    ],
)
def test_the_hosts_of_links_stand_bare(text: str, hosts: tuple[str, ...]) -> None:
    assert link_hosts(text) == hosts


@given(nasty_text)
def test_hosts_are_found_in_any_text_without_failing(text: str) -> None:
    assert len(link_hosts(f"https://{text}")) == len(set(link_hosts(f"https://{text}")))
