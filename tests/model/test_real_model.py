"""A real small model on this machine, asked through litellm: the text may be poor, the wire is real."""

import pytest

from bot.drafting.drafter import Drafting
from bot.drafting.model_drafter import ModelDrafter, ModelSettings
from bot.drafting.retrieval import Retriever
from tests.drafting.tickets import orders, ticket

pytestmark = pytest.mark.timeout(900)


async def test_a_ticket_goes_through_litellm_to_a_real_model_and_comes_back_as_a_checked_draft(address: str) -> None:
    shelves = orders()
    settings = ModelSettings(
        model="openai/smollm2",
        timeout=400,
        max_tokens=220,
        attempts=1,
        options={"api_base": address, "api_key": "none"},
    )
    writer = ModelDrafter(settings, shelves, categories=("orders", "account", "payment"))
    drafting = Drafting(retriever=Retriever(shelves), writer=writer, access=shelves)
    draft = await drafting.draft(ticket("Hello, where is my order B-9876?"))
    writer.close()
    print(draft)
    assert draft.trouble is None
    assert draft.tokens > 100
    if draft.content is None:
        assert draft.concerns
    else:
        assert draft.category in ("orders", "account", "payment")
        assert draft.confidence is not None
