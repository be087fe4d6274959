"""The faults of a policy file: what each is told, and on which line."""

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.policy_file import PolicyProblems, load_policy, warnings
from bot.policy_file.locator import line_of, locate
from tests.test_policy_file import LEAST

AFTER_LEAST = LEAST.count("\n") + 1
# A machine shared with others may be slow for a moment; that is no fault of the reader.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PolicyProblems) as caught:
        load_policy(text)
    return [(problem.line, problem.sentence) for problem in caught.value.problems]


def problem(addition: str) -> tuple[int, str]:
    """The only fault of the least policy with an addition; its line is counted within the addition."""
    found = problems(LEAST + addition)
    assert len(found) == 1, found
    return found[0][0] - AFTER_LEAST + 1, found[0][1]


# What each fault is told


@pytest.mark.parametrize(
    ("addition", "line", "words"),
    [
        ('[slack]\nteam = "C1"', 2, "slack.team must be a workspace id"),
        ('[slak]\nteam = "T1"', 1, 'The file has no "slak"; did you mean "slack"?'),
        ("[defaults]\nattemps = 3", 2, '[defaults] has no "attemps"; did you mean "attempts"?'),
        ("[limits]\nzzz = 3", 2, '[limits] has no "zzz"; there is pending, per_minute.'),
        ("[defaults]\nthreshold = true", 2, "defaults.threshold must be a number, not true."),
        ('[defaults]\nthreshold = "0.9"', 2, 'defaults.threshold must be a number, not "0.9".'),
        ("[defaults]\nthreshold = nan", 2, "defaults.threshold must be a finite number, not nan."),
        ("[defaults]\nthreshold = -0.1", 2, "defaults.threshold must be at least 0, not -0.1."),
        ("[defaults]\nthreshold = 1.0000001", 2, "defaults.threshold must be at most 1, not 1.0000001."),
        ("[defaults]\nrisk = 0", 2, "defaults.risk must be above 0, not 0."),
        ("[defaults]\nrisk = 0.6", 2, "defaults.risk must be at most 0.5, not 0.6."),
        ("[defaults]\nconfidence = 1", 2, "defaults.confidence must be below 1, not 1."),
        ("[defaults]\nattempts = 1.0", 2, "defaults.attempts must be a whole number, not 1.0."),
        ("[defaults]\nattempts = 0", 2, "defaults.attempts must be at least 1, not 0."),
        (
            "[limits]\npending = 1" + "0" * 400,
            2,
            "limits.pending must be at most 1000000, not so large a number.",
        ),
        ('[defaults]\nexpires_in = "soon"', 2, 'defaults.expires_in must be a duration such as "90s"'),
        ("[defaults]\nexpires_in = 30", 2, "not 30."),
        ('[defaults]\nexpires_in = "0s"', 2, "defaults.expires_in must be longer than nothing"),
        ('[defaults]\nexpires_in = "999999999d"', 2, "defaults.expires_in must be at most 366 days"),
        ('[defaults]\nexpires_in = "٣d"', 2, "must be a duration"),
        ('[defaults]\nholding_line = "  "', 2, "defaults.holding_line must not be blank"),
        (
            '[defaults]\nmode = "auto"',
            2,
            'must be one of "suggest", "autonomous", "hold" or "escalate", not "auto".',
        ),
        ('[defaults]\nmode = "autonomous"', 2, "Autonomous needs a number that the team chose"),
        ('[categories.a]\n\nmode = "autonomous"', 3, "in [categories.a] or [defaults]"),
        ("[defaults]\nthreshold = 0.9\nrisk = 0.1", 3, "defaults has both threshold and risk"),
        ("[categories.a]\nthreshold = 0.9\nrisk = 0.1", 3, "categories.a has both threshold and risk"),
        ("[categories.a]\nthreshold = 0.2", 2, "has the floor 0.3 above the threshold 0.2"),
        ("[categories.a]\nfloor = 0.95", 2, "has the floor 0.95 above the threshold 0.9"),
        ("[defaults]\nfloor = 0.95\n[categories.a]", 2, "defaults has the floor 0.95"),
        ('[categories.a]\nchannel = "#support"', 2, "categories.a.channel must be a channel id"),
        ('[categories.a]\nchannel = "C1\\n"', 2, "categories.a.channel must be a channel id"),
        ('[categories.a]\napprovers = [\n"U1",\n"maria"]', 4, "categories.a.approvers must be a user id"),
        ('[categories.a]\napprovers = ["U1", "S1", "U1"]', 2, "categories.a.approvers names U1 twice"),
        ("[categories.a]\nundo_window = 5", 2, "categories.a.undo_window must be a duration"),
        ('[categories.a]\nundo_window = "2s"', 2, "categories.a.undo_window is too short for anybody to undo anything"),
        ('[categories.order.status]\nmode = "hold"', 1, 'quotes: [categories."order.status"].'),
        ("[categories.Refunds]", 1, '"Refunds" cannot be a name here'),
        (f"[categories.{'a' * 81}]", 1, "cannot be a name here; use 1 to 80"),
        ('[categories]\na = "hold"', 2, "categories.a must be a table, [categories.a], not"),
        ("[[categories]]", 1, "categories must be tables, [categories.NAME], not a list."),
        ('[categories.a]\nconnector = "agnet"', 2, 'There is no connector "agnet"; did you mean "agent"?'),
        ('[defaults]\nconnector = "webhook:payments"', 2, "add the table [connectors.payments] with type"),
        ("[actions.a]", 1, "[actions.a] has no effect, which it needs; add it."),
        ('[actions.a]\neffect = "delete"', 2, 'must be one of "read" or "write", not "delete".'),
        ('[actions.a]\neffect = "write"\napprovals = 6', 3, "actions.a.approvals must be at most 5, not 6."),
        (
            '[actions.a]\neffect = "write"\napprovals = 3',
            3,
            "needs 3 approvals, but only 2 people may approve it",
        ),
        (
            '[actions.a]\neffect = "write"\napprovals = 2\napprovers = ["U1"]',
            3,
            "only 1 person may approve it",
        ),
        ('[actions.a]\neffect = "read"\nfree_when = "args.a < 3"', 3, "so free_when never applies"),
        ('[actions.a]\neffect = "read"\nescalate_when = "args.a < 3"', 3, "so escalate_when never applies"),
        ('[actions.a]\neffect = "read"\napprovals = 1', 3, "so approvals never applies"),
        (
            '[actions.a]\neffect = "write"\nfree_when = "args.a <"',
            3,
            'The condition "args.a <" is not valid CEL',
        ),
        ('[actions.a]\neffect = "write"\nfree_when = "arg.a < 3"', 3, "names arg"),
        ('[actions.a]\neffect = "write"\nfree_when = "1 < 3"', 3, "is the same for every case"),
        ('[actions.a]\neffect = "write"\nfree_when = "args.a < 3 || true"', 3, "is the same for every case"),
        ('[actions.a]\neffect = "write"\nfree_when = "args.a < 3 && false"', 3, "is the same for every case"),
        ('[actions.a]\neffect = "write"\nfree_when = "args.a + 1"', 3, "is neither true nor false"),
        (
            '[actions.a]\neffect = "write"\nfree_when = "max(args.a, 1) < 3"',
            3,
            "calls max, which does not exist",
        ),
        (
            '[actions.a]\neffect = "write"\nfree_when = ""',
            3,
            'must be a condition such as "args.amount <= 50"',
        ),
        ('[actions.a]\neffect = "write"\nfree_when = """args.a\n< 3"""', 3, "must stand on one line"),
        (
            f'[actions.a]\neffect = "write"\nfree_when = "args.a < {"1" * 500}"',
            3,
            "must be at most 500 characters",
        ),
        (
            '[actions.a]\neffect = "write"\nfree_when = "args.a < 3"\nrefuse_when = "args.a < 3"',
            3,
            "has the same condition in refuse_when and free_when",
        ),
        ("[connectors.a]", 1, '[connectors.a] has no type; add type = "webhook"'),
        ("[connectors.a]\ntype = []", 2, "connectors.a.type must be a text in quotes, not a list."),
        (
            '[connectors.a]\ntype = "webhok"',
            2,
            'There is no connector type "webhok"; did you mean "webhook"?',
        ),
        ('[connectors.a]\ntype = "slack_thread"', 1, "There is one slack_thread only"),
        ('[callbacks]\nhosts = ["https://a.example"]', 2, "callbacks.hosts must be host names"),
        ('[callbacks]\nhosts = ["*"]', 2, "callbacks.hosts must be host names"),
        ('[callbacks]\nhosts = ["*.com"]', 2, "callbacks.hosts must be host names"),
        ('[callbacks]\nhosts = ["a.example", "A.example"]', 2, "names a.example twice"),
        ("channels = 3", 1, '[people] has no "channels"'),
    ],
)
def test_a_fault_is_told_with_its_line(addition: str, line: int, words: str) -> None:
    found_line, sentence = problem(addition)
    assert words in sentence
    assert found_line == line


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example.com",
        "ftp://pay.example.com",
        "pay.example.com",
        "https://",
        "https://user:hunter2@pay.example.com",
        "https://hunter2@pay.example.com",
        "https://pay.example.com/#hunter2",
        "https://pay.example.com/ hunter2",
        "https://pay.example.com:99999",
        "https://[bad",
        "http://127.0.0.1.example.com",
    ],
)
def test_an_address_that_is_not_safe_is_refused_and_not_repeated(url: str) -> None:
    line, sentence = problem(f'[connectors.p]\ntype = "webhook"\nsecret_env = "S"\nurl = "{url}"')
    assert line == 4
    assert "hunter2" not in sentence


def test_a_secret_in_the_place_of_its_name_is_not_repeated() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    line, sentence = problem(f'[connectors.p]\ntype = "webhook"\nurl = "https://a.b"\nsecret_env = "{secret}"')
    assert line == 4
    assert "name of an environment variable" in sentence
    assert secret not in sentence


def test_a_numeric_secret_in_the_place_of_its_name_is_not_repeated() -> None:
    found = problems(f'{LEAST}[connectors.m]\ntype = "email"\nhost = "h"\nfrom = "a@b.c"\npassword_env = 314159')
    assert [sentence for _, sentence in found] == ["connectors.m.password_env must be a text in quotes."]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("tls = true\nstarttls = true", "cannot have both tls and starttls"),
        ('username_env = "U"', "username_env and password_env together"),
        ('username_env = "U"\npassword_env = "P"\nstarttls = false', "password unencrypted"),
    ],
)
def test_mail_settings_that_contradict_each_other_are_refused(said: str, words: str) -> None:
    _, sentence = problem(f'[connectors.m]\ntype = "email"\nhost = "mail.example.com"\nfrom = "a@b.c"\n{said}')
    assert words in sentence


def test_a_connector_written_without_its_type_is_told_its_full_name() -> None:
    table = '[connectors.p]\ntype = "webhook"\nurl = "https://a.b"\nsecret_env = "S"\n'
    text = table + '[categories.a]\nconnector = "p"'
    assert problem(text) == (6, 'There is no connector "p"; write its type too: "webhook:p".')


def test_all_faults_are_told_at_once_in_the_order_of_the_lines() -> None:
    found = problems("""\
[people]
approvers = ["U1"]
[defaults]
mode = "sugest"
[categories.a]
threshold = 0.9
risk = 0.1
[categories.b]
floor = "low"
treshold = 1
""")
    assert [line for line, _ in found] == [0, 0, 0, 1, 4, 7, 9, 10]
    assert found[0] == (0, "[channels] has no review, which it needs; add it.")
    assert found[3] == (1, "[people] has no admins, which it needs; add it.")


def test_a_group_among_the_approvers_may_be_as_many_as_it_takes() -> None:
    assert load_policy(LEAST + '[actions.a]\neffect = "write"\napprovals = 3\napprovers = ["S1"]').actions["a"]


def test_approvals_that_another_category_could_give_are_no_error_but_a_warning() -> None:
    text = LEAST.replace('"U1", "U2"', '"U1"') + '[categories.big]\napprovers = ["U1", "U2"]\n'
    policy = load_policy(text + '[actions.a]\neffect = "write"\napprovals = 2')
    told = "a needs 2 approvals, but in any category that the file does not name only 1 person may approve it."
    assert told in warnings(policy)
    assert not any(sentence.startswith("a needs 2 approvals, but in big") for sentence in warnings(policy))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[channels\n", 1, "This is not valid TOML: "),
        ('a = "x"\nb = \n', 2, "This is not valid TOML: invalid value."),
        ("a = [1,\n2", 2, "This is not valid TOML: "),
        ("a = 1\n\na = 2", 3, "This key or table stands further up already"),
        ("[a]\n[b]\n[a]\n", 3, "This key or table stands further up already"),
        ("a = " + "[" * 5000, 0, "nests brackets far too deeply"),
        ("a = " + "9" * 5000, 0, "a number or date that no computer can hold"),
    ],
)
def test_a_file_that_is_not_toml_is_told_its_line(text: str, line: int, words: str) -> None:
    [(found_line, sentence)] = problems(text)
    assert words in sentence
    assert found_line == line


VALUES = [
    "-1",
    "0",
    "1.5",
    "1e400",
    "nan",
    "true",
    "''",
    "'x'",
    "[]",
    "[[1]]",
    "['x']",
    "{}",
    "{a = 1}",
    "1979-05-27",
]
KEYS = [
    "mode",
    "threshold",
    "connector",
    "approvers",
    "effect",
    "free_when",
    "approvals",
    "type",
    "url",
    "hosts",
    "zzz",
]
SECTIONS = [
    "slack",
    "channels",
    "people",
    "defaults",
    "limits",
    "callbacks",
    "categories",
    "actions",
    "connectors",
]


@unhurried
@given(
    st.lists(
        st.tuples(
            st.sampled_from(SECTIONS),
            st.sampled_from(["", ".a", ".a.b"]),
            st.sampled_from(KEYS),
            st.sampled_from(VALUES),
        ),
        max_size=4,
    )
)
def test_whatever_a_table_says_the_answer_is_a_policy_or_sentences(
    lines: list[tuple[str, str, str, str]],
) -> None:
    text = "\n".join(f"{section}{name}.{key} = {value}" for section, name, key, value in lines)
    with pytest.raises(PolicyProblems) as caught:
        load_policy(text)
    for fault in caught.value.problems:
        assert fault.sentence.endswith((".", "?"))
        assert "\n" not in fault.sentence


# Lines


LOCATED = '''\
"quoted key" = 1      # 1
a.b."c.d" = """       # 2
[not.a.table]
x = 1
"""
[ t . "u" ]           # 6
list = [              # 7
  1, # ]
  "two",              # 9
  { three = 3, four = { five = 5 } },
]
'lit"eral' = 'x = [' # 12
inline = { k = [1,    # 13
  2], "q" = {} }
[t.v]                 # 15
when = 1979-05-27 07:32:00.5
last = -1.5e3
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("quoted key",), 1),
        (("a",), 2),
        (("a", "b", "c.d"), 2),
        (("t", "u"), 6),
        (("t", "u", "list"), 7),
        (("t", "u", "list", 0), 8),
        (("t", "u", "list", 1), 9),
        (("t", "u", "list", 2, "four", "five"), 10),
        (("t", "u", 'lit"eral'), 12),
        (("t", "u", "inline", "k"), 13),
        (("t", "u", "inline", "k", 1), 14),
        (("t", "u", "inline", "q"), 14),
        (("t", "v"), 15),
        (("t", "v", "last"), 17),
        (("t", "v", "absent"), 15),
        (("absent",), 0),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_is_found_on_its_line(place: tuple[str | int, ...], line: int, newline: str) -> None:
    tomllib.loads(LOCATED)
    assert line_of(locate(LOCATED.replace("\n", newline)), place) == line


PIECES = [
    "a",
    "b",
    '"c d"',
    ".",
    "=",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "#x\n",
    "1",
    "1.5",
    '"""\n"""',
    "''",
    '"\\u00e9"',
    " ",
]


@unhurried
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_the_locator_always_ends_and_knows_every_key_that_toml_reads(text: str) -> None:
    lines = locate(text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    if "[[" not in text:
        assert _places(document, ()) <= set(lines)


def _places(value: object, place: tuple[str | int, ...]) -> set[tuple[str | int, ...]]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return {(*place, key) for key, _ in inner}.union(*(_places(below, (*place, key)) for key, below in inner))
