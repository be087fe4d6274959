"""Who works at the sample shop, and who buys there."""

from dataclasses import dataclass
from typing import Final

from bot.domain.policy import Policy
from bot.local_slack import LocalSlack

TEAM_NAME: Final = "Oak & Ember"
CUSTOMERS_CHANNEL: Final = "C0CUSTOMERS"
OPS_CHANNEL: Final = "C0OPS"
SHOP: Final = "U0SHOP"
PAYMENTS: Final = "U0PAYMENTS"
JONAS: Final = "U0JONAS"

_TEAM: Final = (
    ("U0MARIA", "maria", "Maria Lopez", "Support agent"),
    (JONAS, "jonas", "Jonas Weber", "Support agent"),
    ("U0AMARA", "amara", "Amara Okafor", "Support lead"),
    ("U0PRIYA", "priya", "Priya Nair", "Engineer on call"),
    ("U0FELIX", "felix", "Felix Brandt", "Marketing"),
)
_CHANNELS: Final = (
    ("C0REVIEW", "support-review", "Drafts of the AI that wait for @support to approve, edit, escalate or reject"),
    ("C0ESCALATE", "support-escalations", "Cases for the support lead and the engineer on call"),
    (OPS_CHANNEL, "support-ops", "Escalations, changed thresholds, failures"),
    ("C0LOG", "ai-log", "What the AI did on its own, and why it was allowed to"),
    (CUSTOMERS_CHANNEL, "customers", "What customers write; the answers stand in their threads"),
)
_CUSTOMERS: Final = (
    "Ana Ferreira", "Tom Bailey", "Mei Lin", "Olga Petrova", "Samuel Mensah", "Ingrid Holm", "Yusuf Demir",
    "Claire Dubois", "Ravi Kapoor", "Hannah Klein", "Diego Morales", "Aiko Tanaka", "Liam Murphy", "Zofia Nowak",
    "Noor Haddad", "Elena Rossi", "Kwame Asante",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who writes to the shop, with a Slack user of another organisation."""

    user: str
    name: str

    @property
    def first(self) -> str:
        """The first name."""
        return self.name.partition(" ")[0]

    @property
    def email(self) -> str:
        """An address that no mail can ever reach."""
        return f"{self.name.lower().replace(' ', '.')}@example.com"


CUSTOMERS: Final = tuple(
    Customer(user=f"U0CUSTOMER{number}", name=name) for number, name in enumerate(_CUSTOMERS, start=1)
)


def settle(slack: LocalSlack, policy: Policy) -> None:
    """Fill the workspace; channels that only the policy knows are added under their ids."""
    for user, name, real_name, title in _TEAM:
        slack.add_user(name, id=user, real_name=real_name, title=title)
    for customer in CUSTOMERS:
        slack.add_user(
            customer.first.lower(),
            id=customer.user,
            real_name=customer.name,
            title="Customer",
            team_id="T0CUSTOMERS",
            is_stranger=True,
        )
    slack.add_user("shop", id=SHOP, real_name=f"{TEAM_NAME} Orders", is_bot=True)
    slack.add_user("payments", id=PAYMENTS, real_name=f"{TEAM_NAME} Payments", is_bot=True)
    for channel, name, topic in _CHANNELS:
        slack.add_channel(name, id=channel, topic=topic)
    for customer in CUSTOMERS:
        slack.join(CUSTOMERS_CHANNEL, customer.user)
    for channel in sorted(_named(policy) - {known for known, _, _ in _CHANNELS}):
        slack.add_channel(channel.lower(), id=channel, topic="A channel of your own policy file")
    slack.add_group("support", ["U0MARIA", JONAS], id="S0SUPPORT")
    slack.add_command(
        "/threshold", "Show or change what may run on its own", "[category] [0.92 | suggest | …] [because …]"
    )
    slack.add_command("/approvals", "Show what waits", "[mine | pause | resume]")


def _named(policy: Policy) -> set[str]:
    channels = policy.channels
    found = {channels.review, channels.escalation, channels.ops, channels.log}
    for category in policy.categories.values():
        found |= {category.channel, category.escalation_channel}
    return found
