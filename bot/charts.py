"""Pictures of thresholds. Run as a program it draws one: a JSON document on standard input, a PNG on standard output.

The bot runs it so, in a process of its own, because drawing takes a second and must hold up nobody. It imports
nothing of ours, and matplotlib only when it draws.
"""

import asyncio
import io
import json
import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

SECONDS: Final = 60
RAN, HELD, WRONG, PROMISE = "#1264a3", "#c9ccd1", "#e01e5a", "#2b7d3f"
COLUMNS: Final = 3
MOST_PANELS: Final = 30
CAPTION: Final = 58
"""How many characters of the caption fit below one panel."""


async def draw_apart(document: Mapping[str, Any]) -> bytes:
    """The PNG of a document, drawn in a process of its own; TimeoutError or RuntimeError where that fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", __file__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            png, said = await process.communicate(json.dumps(document).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(said.decode(errors="replace")[-300:])
    return png


def draw(document: Mapping[str, Any]) -> bytes:
    """The PNG of a document: `weeks` of one category, or `curves` of several."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure = _weeks(document) if document["kind"] == "weeks" else _curves(document)
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110)
    return target.getvalue()


def _weeks(document: Mapping[str, Any]) -> Any:
    """What ran and what was held, above; the audited error with its range against the promise, below."""
    from matplotlib.figure import Figure

    weeks: Sequence[Mapping[str, Any]] = document["weeks"]
    places = list(range(len(weeks)))
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    ran, held = [week["automated"] for week in weeks], [week["held"] for week in weeks]
    above.bar(places, ran, color=RAN, label="ran on its own")
    above.bar(places, held, bottom=ran, color=HELD, label="held for a person")
    above.set_ylabel("cases a week")
    above.set_title(document["title"], loc="left", fontweight="bold")
    above.legend(frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0, 1.02))
    above.set_ylim(0, max([1, *(a + b for a, b in zip(ran, held, strict=True))]) * 1.3)
    audited = [(place, week["error"]) for place, week in zip(places, weeks, strict=True) if week["error"]]
    rates = [100 * error["rate"] for _, error in audited]
    spans = [
        [100 * (error["rate"] - error["low"]) for _, error in audited],
        [100 * (error["high"] - error["rate"]) for _, error in audited],
    ]
    if audited:
        places_seen = [place for place, _ in audited]
        below.errorbar(places_seen, rates, yerr=spans, fmt="o", color=WRONG, capsize=3, label="wrong, of those audited")
    else:
        below.text(0.5, 0.6, "nothing was audited yet", transform=below.transAxes, ha="center", color="#616061")
    risk = document["risk"]
    if risk is not None:
        below.axhline(100 * risk, color=PROMISE, linestyle="--", label=f"promise: at most {100 * risk:g} %")
    below.set_ylim(0, max([100 * (risk or 0.02) * 2, *(100 * error["high"] for _, error in audited)]) * 1.35)
    below.set_ylabel("% wrong")
    below.set_xticks(places, [week["monday"] for week in weeks])
    if audited or risk is not None:
        below.legend(frameon=False, ncols=2, loc="upper left")
    below.set_xlabel("week of")
    return figure


def _curves(document: Mapping[str, Any]) -> Any:
    """For each category: how much would be wrong, for each share that could run on its own."""
    from matplotlib.figure import Figure

    categories: Sequence[Mapping[str, Any]] = document["categories"][:MOST_PANELS]
    columns = min(COLUMNS, len(categories))
    rows = math.ceil(len(categories) / columns)
    figure = Figure(figsize=(4.1 * columns, 3.1 * rows + 1.1), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    risk = 100 * document["risk"]
    for place, panel in enumerate(panels.flat):
        if place >= len(categories):
            panel.axis("off")
            continue
        _curve(panel, categories[place], risk, first=place == 0)
    figure.supxlabel(_caption(risk, CAPTION * columns), fontsize=9)
    return figure


def _caption(risk: float, width: int) -> str:
    """What the curves show, in lines of at most so many characters."""
    said = (
        "Share of cases that would be answered without a person (the surest first).",
        f"Below the dashed line at most {risk:g} % of them are wrong. The dot: the threshold that the labels support.",
    )
    return "\n".join(textwrap.fill(sentence, width) for sentence in said)


def _curve(panel: Any, category: Mapping[str, Any], risk: float, *, first: bool) -> None:
    shares, errors = [100 * x for x in category["shares"]], [100 * y for y in category["errors"]]
    top = max(3 * risk, min(max(errors, default=0.0), 6 * risk)) * 1.1
    panel.plot(shares, errors, color=RAN, label="wrong among them")
    panel.axhline(risk, color=PROMISE, linestyle="--", label=f"promise: {risk:g} %")
    panel.axhspan(0, risk, color=PROMISE, alpha=0.08)
    chosen = category["chosen"]
    if chosen:
        x, y = 100 * chosen["share"], 100 * chosen["error"]
        panel.plot([x], [y], "o", color=WRONG, markersize=7)
        said = f"from {chosen['threshold']:.4g} on:\n{x:.0f} % alone, {y:.1f} % wrong"
        side = "right" if x > 40 else "left"
        panel.annotate(said, (x, max(y, risk)), (0, 5), textcoords="offset points", ha=side, fontsize=8)
    else:
        panel.text(0.5, 0.7, category["why"], transform=panel.transAxes, ha="center", fontsize=8, color="#616061")
    labels = f"{category['labels']:,} label{'' if category['labels'] == 1 else 's'}"
    panel.set_title(f"{category['name']} ({labels})", loc="left", fontsize=9, fontweight="bold")
    panel.set_xlim(0, 100)
    panel.set_ylim(0, top)
    panel.set_ylabel("% wrong")
    if first:
        panel.legend(frameon=False, fontsize=8, loc="upper left")


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
