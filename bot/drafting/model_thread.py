"""litellm in a thread with an event loop of its own: its import takes seconds, and none of it stalls the bot's loop."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bot.domain.masking import cut

T = TypeVar("T")
IMPORT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a call brought back; `cost` is in US dollars, None where litellm does not know the model's price."""

    text: str | None
    cost: float | None
    tokens: int
    model: str


class CallFailed(Exception):
    """A call without an answer; `again` says whether another try may help, `plain` whether one without a schema may."""

    def __init__(self, sentence: str, *, again: bool, plain: bool = False, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.again = again
        self.plain = plain
        self.retry_after = retry_after


class ModelThread:
    """Starts with the first call; `close` ends it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._litellm: Any = None

    async def warm_up(self) -> None:
        """Import litellm, so that the first ticket need not wait for it."""
        await self._there(self._import(), IMPORT_SECONDS)

    async def complete(
        self, *, model: str, messages: list[dict[str, str]], seconds: float, **options: Any
    ) -> Completion:
        """One call of `litellm.acompletion` without any retry of its own; CallFailed where no answer came in time."""
        try:
            await self.warm_up()
        except (ImportError, TimeoutError) as error:
            raise CallFailed(f"litellm cannot be loaded ({error}); install Sayso anew.", again=False) from error
        try:
            return await self._there(self._call(model, messages, seconds, options), seconds)
        except TimeoutError:
            raise CallFailed(f"{model} did not answer within {seconds:g} seconds.", again=True) from None

    def close(self) -> None:
        """End the thread; calls under way are dropped."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    async def _there(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="sayso-model", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(future)

    async def _import(self) -> None:
        if self._litellm is None:
            # Otherwise the import fetches the price list from the network.
            os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            import litellm

            litellm.telemetry = False
            litellm.drop_params = True
            litellm.suppress_debug_info = True
            self._litellm = litellm

    async def _call(
        self, model: str, messages: list[dict[str, str]], seconds: float, options: dict[str, Any]
    ) -> Completion:
        try:
            answer = await self._litellm.acompletion(
                model=model, messages=messages, timeout=seconds, num_retries=0, max_retries=0, **options
            )
        except Exception as error:  # whatever a provider raises is one of our few kinds of failure
            raise self._failed(model, error) from error
        usage = getattr(answer, "usage", None)
        message = answer.choices[0].message if answer.choices else None
        return Completion(
            text=getattr(message, "content", None),
            cost=self._cost(answer),
            tokens=int(getattr(usage, "total_tokens", 0) or 0),
            model=model,
        )

    def _cost(self, answer: Any) -> float | None:
        try:
            cost = self._litellm.completion_cost(completion_response=answer)
        except Exception:  # noqa: BLE001 - an unknown model raises one of several errors
            return None
        return float(cost) if cost else None

    def _failed(self, model: str, error: Exception) -> CallFailed:
        known = self._litellm.exceptions
        status = getattr(error, "status_code", None)
        reason = cut(" ".join(str(error).split()), 200)
        if isinstance(error, known.RateLimitError):
            return CallFailed(f"{model} is busy (429).", again=True, retry_after=_retry_after(error))
        if isinstance(error, known.Timeout):
            return CallFailed(f"{model} did not answer in time.", again=True)
        if isinstance(error, known.AuthenticationError | known.PermissionDeniedError):
            return CallFailed(f"{model} refused the credentials; check the provider's variables.", again=False)
        if isinstance(error, known.BadRequestError | known.NotFoundError | known.UnprocessableEntityError):
            return CallFailed(f"{model} refused the request ({reason}).", again=False, plain=True)
        if isinstance(status, int) and status >= 500:
            return CallFailed(f"{model} cannot be reached or failed ({status}: {reason}).", again=True)
        return CallFailed(f"{model} gave no answer ({type(error).__name__}: {reason}).", again=True)


def _retry_after(error: Exception) -> float | None:
    headers = getattr(error, "litellm_response_headers", None) or {}
    try:
        return max(float(headers.get("retry-after", "")), 0.0)
    except ValueError:
        return None
