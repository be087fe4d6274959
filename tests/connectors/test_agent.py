from bot.connectors.agent import Agent
from bot.domain.delivery import Delivered
from tests.connectors.cases import REFUND, errand, proposal


async def test_the_go_ahead_itself_is_the_delivery() -> None:
    assert await Agent().deliver(proposal(REFUND), errand()) == Delivered(result=None)


async def test_an_interrupted_go_ahead_is_given_again() -> None:
    assert await Agent().deliver(proposal("Hello"), errand(interrupted=True, attempts=3)) == Delivered()
