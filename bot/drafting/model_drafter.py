"""Drafting with a model through litellm: ask, read strictly, ask once more, then leave it to a person."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from bot.domain.policy import ActionRule
from bot.drafting import answer as answers
from bot.drafting.answer import Answer, BadAnswer
from bot.drafting.draft import Sketch, Ticket
from bot.drafting.model_thread import CallFailed, Completion, ModelThread
from bot.drafting.ports import LibraryAccess, Spent
from bot.drafting.prompt import Prompt, again, prompt
from bot.drafting.retrieval import Found

_LONGEST_WAIT: Final = 20.0
_SAMPLE_HEAT: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which model, and how far to go: `timeout` in seconds for each call, `attempts` for each model of the list.

    `daily_cost` (US dollars) and `daily_tokens` stop the calls of a UTC day; None is no limit. `options` go to litellm.
    """

    model: str
    fallbacks: tuple[str, ...] = ()
    timeout: float = 60.0
    attempts: int = 2
    temperature: float = 0.2
    max_tokens: int = 1_500
    at_once: int = 4
    daily_cost: float | None = None
    daily_tokens: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Bill:
    """What one ticket has cost so far."""

    cost: float = 0.0
    tokens: int = 0


class OverBudget(Exception):
    """The day's limit is used up."""


class ModelDrafter:
    """A writer that asks a model; every failure ends in a sketch without content that says why."""

    def __init__(
        self,
        settings: ModelSettings,
        access: LibraryAccess,
        *,
        categories: Sequence[str] = (),
        actions: Mapping[str, ActionRule] | None = None,
        thread: ModelThread | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._access = access
        self._categories = tuple(categories)
        self._actions = dict(actions or {})
        self._thread = thread or ModelThread()
        self._now = now
        self._sleep = sleep
        self._gate = asyncio.Semaphore(settings.at_once)
        self._unpriced_said = False

    async def warm_up(self) -> None:
        """Import litellm in its thread; call it once the sockets are open."""
        await self._thread.warm_up()

    def close(self) -> None:
        """End the model's thread."""
        self._thread.close()

    async def write(self, ticket: Ticket, found: Found) -> Sketch:
        """The model's answer as a sketch; no content where it gave none that can be used."""
        return await self._sketch(ticket, found, heat=self._settings.temperature, tries=2)

    async def samples(self, ticket: Ticket, found: Found) -> tuple[Sketch, ...]:
        """Two more answers at a higher temperature, to see whether they agree."""
        tries = (self._sketch(ticket, found, heat=_SAMPLE_HEAT, tries=1) for _ in range(2))
        return tuple(await asyncio.gather(*tries))

    async def _sketch(self, ticket: Ticket, found: Found, *, heat: float, tries: int) -> Sketch:
        asked = prompt(ticket, found, categories=self._categories, actions=self._actions, mark=secrets.token_hex(8))
        bill = _Bill()
        try:
            answer = await self._answer(asked, bill, heat=heat, tries=tries)
        except BadAnswer as error:
            concern = f"The model gave no answer that can be used. {error}"
            return self._none(ticket, bill, concern, trouble=None)
        except CallFailed as error:
            concern = "The model could not be asked, so there is no draft."
            return self._none(ticket, bill, concern, trouble=f"No draft for {ticket.conversation.id}: {error}")
        except OverBudget as error:
            return self._none(ticket, bill, "The model's budget for today is used up.", trouble=str(error))
        return self._finished(ticket, asked, answer, bill)

    def _none(self, ticket: Ticket, bill: _Bill, concern: str, *, trouble: str | None) -> Sketch:
        return Sketch(
            category=ticket.category,
            by_model=True,
            concerns=(concern,),
            trouble=trouble,
            cost=bill.cost,
            tokens=bill.tokens,
        )

    def _finished(self, ticket: Ticket, asked: Prompt, answer: Answer, bill: _Bill) -> Sketch:
        differs = ticket.category is not None and ticket.category != answer.category
        notes = (f"The model would file this under {answer.category}.",) if differs else ()
        unpriced = bill.tokens > 0 and bill.cost == 0.0 and self._settings.daily_cost is not None
        trouble = None
        if unpriced and not self._unpriced_said:
            self._unpriced_said = True
            trouble = (
                f"litellm knows no price for {self._settings.model}, so the daily limit in dollars cannot hold; "
                "set one in tokens."
            )
        return Sketch(
            category=answer.category,
            in_scope=answer.in_scope,
            content=answer.content,
            sources=tuple(source.text for source in asked.sources.values()),
            evidence=tuple(asked.sources[name].evidence for name in dict.fromkeys(answer.sources)),
            own_confidence=answer.confidence,
            by_model=True,
            notes=notes,
            trouble=trouble,
            cost=bill.cost,
            tokens=bill.tokens,
        )

    async def _answer(self, asked: Prompt, bill: _Bill, *, heat: float, tries: int) -> Answer:
        messages = asked.messages
        names = {
            "categories": self._categories,
            "actions": tuple(self._actions),
            "sources": tuple(asked.sources),
        }
        for left in reversed(range(tries)):
            completion = await self._complete(messages, names, bill, heat)
            try:
                return answers.read(completion.text, **names)
            except BadAnswer as error:
                if not left:
                    raise
                messages = again(messages, completion.text, str(error))
        raise AssertionError("there is at least one try")

    async def _complete(
        self, messages: Sequence[dict[str, str]], names: Mapping[str, Sequence[str]], bill: _Bill, heat: float
    ) -> Completion:
        """One completion from the first model of the list that gives one."""
        failure = CallFailed("No model is set.", again=False)
        for model in (self._settings.model, *self._settings.fallbacks):
            with_schema = True
            for attempt in range(1, self._settings.attempts + 1):
                try:
                    return await self._paid(model, messages, names if with_schema else None, bill, heat)
                except CallFailed as error:
                    failure = error
                    if not (error.again or (error.plain and with_schema)):
                        break
                    with_schema = with_schema and not error.plain
                    if error.again and attempt < self._settings.attempts:
                        await self._sleep(min(error.retry_after or 2.0 ** (attempt - 1), _LONGEST_WAIT))
        raise failure

    async def _paid(
        self,
        model: str,
        messages: Sequence[dict[str, str]],
        names: Mapping[str, Sequence[str]] | None,
        bill: _Bill,
        heat: float,
    ) -> Completion:
        """One call within the day's budget, with what it cost written down whatever it said."""
        options: dict[str, Any] = {
            **self._settings.options,
            "temperature": heat,
            "max_tokens": self._settings.max_tokens,
        }
        if names is not None:
            schema = answers.schema(categories=names["categories"], actions=names["actions"], sources=names["sources"])
            options["response_format"] = answers.response_format(schema)
        async with self._gate:
            day = self._now().astimezone(UTC).date().isoformat()
            self._check(await self._access.read(lambda library: library.spent(day)))
            completion = await self._thread.complete(
                model=model, messages=list(messages), seconds=self._settings.timeout, **options
            )
            cost, tokens = completion.cost or 0.0, completion.tokens
            await self._access.write(lambda library: library.spend(day, cost=cost, tokens=tokens))
        bill.cost += cost
        bill.tokens += tokens
        return completion

    def _check(self, spent: Spent) -> None:
        limit, most = self._settings.daily_cost, self._settings.daily_tokens
        if limit is not None and spent.cost >= limit:
            raise OverBudget(f"The model has cost ${spent.cost:.2f} today and the limit is ${limit:.2f}, so it rests.")
        if most is not None and spent.tokens >= most:
            raise OverBudget(
                f"The model has used {spent.tokens:,} tokens today and the limit is {most:,}, so it rests."
            )
