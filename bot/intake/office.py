"""The ticket office: builds the parts of intake and drafting for one bot, starts them and stops them in order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from watchfiles import awatch

from bot.approvals import Approvals
from bot.config import Config
from bot.domain.errors import SaysoError
from bot.domain.policy import Policy
from bot.domain.threshold import effective
from bot.drafting import embedder
from bot.drafting.drafter import Drafting, Settings, Writer
from bot.drafting.knowledge import Knowledge
from bot.drafting.model_drafter import ModelDrafter, ModelSettings
from bot.drafting.ports import LibraryAccess
from bot.drafting.precedent_drafter import PrecedentDrafter
from bot.drafting.retrieval import Retriever
from bot.errands import Line
from bot.intake.bell import Bell
from bot.intake.feedback import Feedback
from bot.intake.imap import MailboxReader
from bot.intake.post import PostRoom
from bot.intake.reception import Reception
from bot.intake.slack_messages import SlackNames
from bot.intake.smtp import Listener
from bot.intake.worker import TICKET, Worker
from bot.ports import Clock, Commit, Store
from bot.right_of_way import RightOfWay

LOOK_AGAIN: Final = 15.0
EMBED_EVERY: Final = 1.0
log = structlog.get_logger(__name__)


class Office:
    """`reception` takes tickets in; `start` begins to draft them."""

    def __init__(
        self,
        *,
        config: Config,
        policy: Policy,
        store: Store,
        access: LibraryAccess,
        approvals: Approvals,
        clock: Clock,
        client: AsyncWebClient,
        way: RightOfWay,
    ) -> None:
        self._policy, self._store, self._access = policy, store, access
        self._stack = AsyncExitStack()
        self.bell = Bell(store=store, policy=policy, clock=clock)
        self.reception = Reception(store=store, approvals=approvals, clock=clock)
        self._embedder = None if embedder.missing() else embedder.Embedder()
        self._retriever = Retriever(access, self._embedder)
        self._model = _model(config, policy, access, clock)
        self._thresholds: Mapping[str, float | None] = {}
        self._stale, self._drafts = asyncio.Event(), asyncio.Event()
        store.subscribe(self._on_commit)
        writer: Writer = self._model or PrecedentDrafter()
        settings = Settings(threshold=self._threshold_of, known=policy.knowledge.known)
        self._drafting = Drafting(retriever=self._retriever, writer=writer, access=access, settings=settings)
        names = SlackNames(client)
        self._worker = Worker(
            store=store,
            access=access,
            approvals=approvals,
            reception=self.reception,
            drafter=self._drafting,
            policy=policy,
            clock=clock,
            bell=self.bell,
            named=names.named,
        )
        self._feedback = Feedback(
            store=store,
            access=access,
            clock=clock,
            learn=self._drafting.learn,
            bell=self.bell,
            way=way,
            taught=self._stale.set,
        )
        self._post = PostRoom(reception=self.reception, bell=self.bell, policy=policy)
        rule = policy.intake
        self.listener = Listener(rule.email, self._post) if rule.email else None
        self.mailbox = MailboxReader(rule.mailbox, self._post, self.bell, config.environ) if rule.mailbox else None
        self._knowledge = Knowledge(Path(policy.knowledge.folder), access)

    async def start(self) -> None:
        """Begin: knowledge first, so that the first ticket already finds it."""
        await self._read_knowledge(first=True)
        await self._refresh_thresholds()
        self._task(self._watch_knowledge, "sayso-knowledge")
        self._task(self._keep_thresholds, "sayso-intake-thresholds")
        if self._embedder:
            self._stale.set()
            if self._policy.intake.open or await self._store.read(lambda tx: tx.any_ticket()):
                self._drafts.set()
            self._task(self._catch_up, "sayso-embed")
        if self._model:
            self._stack.callback(self._model.close)
            self._task(self._warm_up, "sayso-model-warm-up")
        await self._feedback.start()
        self._stack.push_async_callback(self._feedback.stop)
        await self._worker.start()
        self._stack.push_async_callback(self._worker.stop)
        for way in (self.listener, self.mailbox):
            if way:
                await way.start()
                self._stack.push_async_callback(way.stop)

    async def stop(self) -> None:
        """Stop; what waits in the queue waits for the next start."""
        await self._stack.aclose()
        if self._embedder:
            self._embedder.close()

    def _on_commit(self, commit: Commit) -> None:
        if any(touched.startswith(TICKET) for touched in commit.proposals):
            self._drafts.set()

    def _task(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        async def run() -> None:
            await work()

        task = asyncio.create_task(run(), name=name)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)

    async def _warm_up(self) -> None:
        if self._model:
            try:
                await self._model.warm_up()
            except Exception:
                # The first ticket tries again, and says in the ops channel what is wrong.
                log.exception("model_not_loaded")

    async def _read_knowledge(self, *, first: bool = False) -> None:
        synced = await self._knowledge.sync()
        for problem in synced.problems:
            await self.bell.ring(
                f"knowledge:{problem}", "A document cannot be read.", [Line(label="Why", text=problem)]
            )
        if first and not synced.documents and self._policy.intake.open:
            await self.bell.ring("knowledge", str(synced))
        if synced.added or synced.changed:
            self._stale.set()
        if synced.documents:
            self._drafts.set()

    async def _watch_knowledge(self) -> None:
        """Index again whenever a file changes; a folder that is not there yet is looked for now and then."""
        folder = Path(self._policy.knowledge.folder)
        while True:
            with contextlib.suppress(OSError, SaysoError):
                if await asyncio.to_thread(folder.is_dir):
                    async for _ in awatch(folder):
                        await self._read_knowledge()
            await asyncio.sleep(LOOK_AGAIN)
            with contextlib.suppress(SaysoError):
                await self._read_knowledge()

    async def _catch_up(self) -> None:
        """Embed what is new, beside the work: until then it is found by its words.

        Where nothing is ever drafted, nothing is embedded: the network alone would double the memory.
        """
        await self._drafts.wait()
        while True:
            await self._stale.wait()
            await asyncio.sleep(EMBED_EVERY)
            self._stale.clear()
            with contextlib.suppress(SaysoError):
                await self._retriever.catch_up()

    def _threshold_of(self, category: str) -> float | None:
        return self._thresholds.get(category)

    async def _keep_thresholds(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            with contextlib.suppress(SaysoError):
                await self._refresh_thresholds()

    async def _refresh_thresholds(self) -> None:
        changes = await self._store.read(lambda tx: tx.settings())
        rules = self._policy.categories
        self._thresholds = {name: effective(rule, changes.get(name)).threshold for name, rule in rules.items()}


def _model(config: Config, policy: Policy, access: LibraryAccess, clock: Clock) -> ModelDrafter | None:
    """The drafter that asks a model, where one is set; litellm stays unloaded until it is asked."""
    if config.model is None:
        return None
    rule = policy.drafting
    settings = ModelSettings(
        model=config.model,
        fallbacks=rule.fallback_models,
        timeout=rule.timeout.total_seconds(),
        daily_cost=rule.daily_limit_usd,
        daily_tokens=rule.daily_limit_tokens,
    )
    return ModelDrafter(settings, access, categories=tuple(policy.categories), actions=policy.actions, now=clock.now)
