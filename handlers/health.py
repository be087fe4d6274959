"""For machines that watch: alive, ready, and figures for Prometheus."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.domain.lifecycle import State
from bot.figures import Figures
from bot.ports import Reader, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`/healthz`, `/readyz` and `/metrics`; `troubles` names what is wrong outside the store."""

    store: Store
    figures: Figures
    troubles: Callable[[], list[str]]

    async def alive(self, request: web.Request) -> web.Response:
        """GET /healthz: the process answers."""
        return web.json_response({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """GET /readyz: the store answers and Slack is connected; 503 with the reasons otherwise."""
        found = self.troubles()
        try:
            async with asyncio.timeout(2):
                await self.store.read(lambda tx: tx.next_due())
        except Exception as error:  # noqa: BLE001
            # Whatever keeps the store from answering is exactly what this page is asked about.
            found = [*found, f"the store does not answer ({type(error).__name__})"]
        return web.json_response(
            {"status": "not ready" if found else "ok", "troubles": found}, status=503 if found else 200
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """GET /metrics: proposals and errands by state, whether executions are paused, how long decisions took."""

        def figures(tx: Reader) -> tuple[dict[str, int], dict[str, int], bool]:
            states = {state.value: 0 for state in State} | tx.state_sizes()
            return states, tx.outbox_size(), tx.pause() is not None

        states, errands, paused = await self.store.read(figures)
        registry = CollectorRegistry()
        proposals = Gauge("sayso_proposals", "Proposals by state.", ["state"], registry=registry)
        outbox = Gauge("sayso_errands", "Errands that have not left, by state.", ["state"], registry=registry)
        Gauge("sayso_paused", "1 while executions are paused.", registry=registry).set(int(paused))
        for state, count in states.items():
            proposals.labels(state).set(count)
        for state in ("ready", "leased", "dead"):
            outbox.labels(state).set(errands.get(state, 0))
        body = generate_latest(registry) + generate_latest(self.figures.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
