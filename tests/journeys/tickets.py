"""What the ticket journeys share: a policy that watches a channel, and cases that were settled earlier."""

from typing import Any

from bot.domain.lifecycle import State
from bot.domain.proposal import Proposal, Reply
from bot.drafting import precedents
from bot.drafting.ports import Precedent
from storage import library_of
from tests.journeys.props import until_stored
from tests.world import POLICY, World

CUSTOMERS = "C0CUSTOMERS"
HOLDING_LINE = "Thank you for writing. One of us looks at this today."
INTAKE = f"""{POLICY}
[intake]
channels = ["{CUSTOMERS}"]

[knowledge]
folder = "no-such-folder"

[defaults]
holding_line = "{HOLDING_LINE}"
"""
HOURS = "We are open from 9 to 17 on every working day."
QUESTION = "When are you open on Monday? What are your opening hours?"


async def settled(world: World, *, count: int = 3, category: str = "refunds") -> None:
    """The team has answered the question about opening hours a few times."""

    def keep(library: Any) -> None:
        for number in range(count):
            asked = f"{QUESTION} I ask for the {number}th time."
            case = Precedent(id=f"prp_old{number}", category=category, question=asked, final=Reply(text=HOURS))
            precedents.keep(library, case)

    await library_of(world.sayso.store).write(keep)


def case_of(message: Any) -> str:
    """The id of the proposal whose card this is."""
    block = next(block for block in message.blocks if block["type"] == "actions")
    return str(block["block_id"]).split(":")[1]


async def stands(world: World, proposal_id: str, state: State, seconds: float = 10) -> Proposal:
    """The case once it is in this state."""
    await until_stored(world, lambda tx: tx.proposal(proposal_id).state is state, seconds)
    return await world.sayso.store.read(lambda tx: tx.proposal(proposal_id))


async def waiting(world: World) -> list[Proposal]:
    """The cases that wait for a person."""
    return await world.sayso.store.read(lambda tx: [tx.proposal(case.id) for case in tx.waiting()])


def texts(world: World, ts: str | None) -> list[str]:
    """What stands in a customer's thread."""
    return [message.text for message in world.slack.thread(CUSTOMERS, str(ts))]
