"""[intake], [knowledge] and [drafting] in the policy file."""

from datetime import timedelta

import pytest

from bot.policy_file import PolicyProblems, load_policy

BASE = """[channels]
review = "C0REVIEW"
escalation = "C0ESCALATE"
ops = "C0OPS"
[people]
approvers = ["U0MARIA"]
admins = ["U0MARIA"]
"""
EMAIL = """[connectors.support]
type = "email"
host = "smtp.example.com"
from = "support@example.com"
"""
ZENDESK = """[connectors.main]
type = "zendesk"
url = "https://shop.zendesk.com"
user_env = "ZD_USER"
token_env = "ZD_TOKEN"
"""


def faults(text: str) -> list[tuple[int, str]]:
    """The faults of a policy that begins with BASE; lines are counted behind it."""
    with pytest.raises(PolicyProblems) as caught:
        load_policy(BASE + text)
    return [(problem.line - BASE.count("\n"), str(problem)) for problem in caught.value.problems]


def test_a_policy_that_says_nothing_of_tickets_opens_no_door() -> None:
    policy = load_policy(BASE)
    assert not policy.intake.open
    assert (policy.knowledge.folder, policy.drafting.attempts) == ("knowledge", 3)


def test_every_door_and_what_drafts_may_cost_can_be_said() -> None:
    policy = load_policy(
        f"""{BASE}{EMAIL}{ZENDESK}
[intake]
channels = ["C0CUSTOMERS"]
per_sender = 7
[intake.email]
port = 2500
recipients = ["Support@example.com"]
[intake.mailbox]
host = "imap.example.com"
username_env = "IMAP_USER"
password_env = "IMAP_PASSWORD"
every = "2m"
[intake.helpdesks.shopdesk]
type = "zendesk"
secret_env = "ZD_SECRET"
[intake.helpdesks.other]
type = "mapping"
secret_env = "OTHER"
fields = {{ conversation = "id", text = "text" }}
[knowledge]
folder = "docs/answers"
known = ["Example Ltd"]
[drafting]
timeout = "20s"
attempts = 5
fallback_models = ["openai/small"]
daily_limit_usd = 2.5
"""
    )
    intake, drafting = policy.intake, policy.drafting
    assert intake.open
    assert intake.email
    assert (intake.email.port, intake.email.recipients, intake.email.connector) == (
        2500,
        ("support@example.com",),
        "email:support",
    )
    assert intake.mailbox
    assert (intake.mailbox.port, intake.mailbox.every) == (993, timedelta(minutes=2))
    assert intake.helpdesks["shopdesk"].connector == "zendesk:main"
    assert intake.helpdesks["other"].connector is None
    assert policy.knowledge.known == ("Example Ltd",)
    assert (drafting.timeout, drafting.attempts, drafting.daily_limit_usd) == (timedelta(seconds=20), 5, 2.5)


@pytest.mark.parametrize(
    ("text", "line", "saying"),
    [
        ('[intake]\nchannels = ["customers"]', 2, "channel id"),
        ('[intake]\nchannels = ["C0OPS"]', 2, "where Sayso itself posts"),
        ("[intake]\nchanels = []", 2, 'did you mean "channels"'),
        ("[intake.email]\nport = 2525", 1, "add connector with the name of one of type email"),
        (EMAIL + EMAIL.replace("support]", "sales]") + "[intake.email]", 9, "add connector"),
        (EMAIL + '[intake.email]\nconnector = "email:suport"', 6, 'did you mean "email:support"'),
        (EMAIL + "[intake.email]\nport = 70000", 6, "at most 65535"),
        (EMAIL + "[intake.email]\nhots = 1", 6, 'did you mean "host"'),
        (EMAIL + '[intake.mailbox]\nhost = "imap.example.com"', 5, "has no username_env"),
        (
            EMAIL + '[intake.mailbox]\nhost = "imap.example.com"\nusername_env = "A"\npassword_env = "B"\ntls = false',
            9,
            "unencrypted",
        ),
        ('[intake.helpdesks.desk]\ntype = "zendesk"\nsecret_env = "S"', 1, "one of type zendesk"),
        ('[intake.helpdesks.desk]\ntype = "zendesk"\nsecret_env = "s3cret!"', 3, "never the secret itself"),
        ('[intake.helpdesks.desk]\ntype = "freshdesk"\nsecret_env = "S"', 2, '"zendesk" or "mapping"'),
        ('[intake.helpdesks.desk]\ntype = "mapping"\nsecret_env = "S"', 1, "has no conversation"),
        (
            (
                '[intake.helpdesks.d]\ntype = "mapping"\nsecret_env = "S"\n'
                '[intake.helpdesks.d.fields]\nconversation = "a"\ntext = "b"\nemial = "c"'
            ),
            7,
            'did you mean "email"',
        ),
        (
            (
                '[intake.helpdesks.d]\ntype = "mapping"\nsecret_env = "S"\nsignature = "hex"\n'
                'fields = { conversation = "a", text = "b" }'
            ),
            4,
            "signature_header",
        ),
        ('[intake.helpdesks."No Good"]\ntype = "zendesk"', 1, "cannot be a name"),
        ("[knowledge]\nfolder = 7", 2, "a text in quotes"),
        ("[drafting]\nattempts = 0", 2, "at least 1"),
        ("[drafting]\ndaily_limit_usd = -1", 2, "above 0"),
        ('[drafting]\ntimeout = "never"', 2, "must be a duration"),
        ("[drafting]\nmodel = 1", 2, "there is attempts"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, saying: str) -> None:
    found = faults(text)
    assert any(at == line and saying in sentence for at, sentence in found), found
