"""`sayso tune`: what past tickets support, in every form that a history can come in."""

import asyncio
import gzip
import json
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot import cli
from bot.charts import _curves, draw_apart
from bot.domain.certificate import Certificate, NotEnough
from bot.domain.errors import BadInput
from bot.tuning import tune
from bot.tuning_report import as_curves, as_text, into_policy
from tests.domain import history
from tests.world import POLICY

PNG = b"\x89PNG"


def row(
    number: int, *, confidence: Any = 0.95, correct: Any = True, category: str = "refunds", **more: Any
) -> dict[str, Any]:
    return {"ticket_id": f"t-{number}", "category": category, "confidence": confidence, "correct": correct} | more


def written(folder: Path, rows: Iterable[Any], *, packed: bool = False) -> Path:
    text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows).encode()
    path = folder / "history.jsonl"
    path.write_bytes(gzip.compress(text) if packed else text)
    return path


def look(path: Path, risk: float = 0.02) -> Any:
    return tune(path, risk=risk, confidence=0.9)


def run(*words: str) -> Any:
    return CliRunner().invoke(cli.app, ["tune", *words])


@pytest.mark.parametrize("packed", [False, True])
def test_a_history_plain_or_packed_gives_the_same_certificate(tmp_path: Path, packed: bool) -> None:
    (tuned,) = look(written(tmp_path, [row(n) for n in range(400)], packed=packed)).categories
    assert isinstance(tuned.found, Certificate)
    assert (tuned.found.sample, tuned.found.covered, tuned.found.wrong) == (400, 400, 0)
    assert 0.945 < tuned.found.threshold <= 0.95


def test_the_real_history_is_read_where_it_is(tmp_path: Path) -> None:
    report = look(real(history.CLINC150))
    assert (report.rows, len(report.categories), report.faults) == (17_700, 10, ())
    for tuned in report.categories:
        assert isinstance(tuned.found, Certificate)
        assert tuned.found.bound <= 0.02
        assert tuned.outcomes["this method"].share <= tuned.outcomes["naive"].share
    over = [t for t in report.categories if (t.outcomes["naive"].error or 0) > 0.02]
    assert len(over) >= 4, "the naive choice breaks the promise on rows that it has not seen"


def test_actions_that_are_mostly_wrong_certify_nothing_together(tmp_path: Path) -> None:
    with gzip.open(real(history.TAU_AIRLINE), "rt") as stream:
        rows = [json.loads(line) | {"category": "all"} for line in stream]
    for risk in (0.01, 0.05, 0.1, 0.2, 0.3):
        (tuned,) = look(written(tmp_path, rows), risk).categories
        assert isinstance(tuned.found, NotEnough)


def real(name: str) -> Path:
    path = history.folder() / name
    if not path.exists():
        pytest.skip("the real histories are not here")
    return path


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"category": "refunds", "correct": True}, "its confidence is missing"),
        (row(7, confidence=None), "its confidence is missing"),
        ('{"ticket_id": "x", "category": "refunds", "confidence": NaN, "correct": true}', "not a number from 0 to 1"),
        (row(7, confidence=1.2), "not a number from 0 to 1"),
        (row(7, confidence="0.9"), "not a number from 0 to 1"),
        (row(7, confidence=True), "not a number from 0 to 1"),
        (row(7, category=""), "its category is missing"),
        (row(7, correct=None), "neither correct nor a human_decision"),
        (row(7, correct="yes"), "neither true nor false"),
        (row(7, correct=None, human_decision="expired"), "nobody decided it"),
        (row(7, sampled=False), "not part of the fair sample"),
        ("[1, 2]", "not a JSON object"),
        ('{"ticket_id": ', "not JSON"),
        ("\x00\x01", "not JSON"),
        (row(1), "its ticket_id was there before"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_with_one_clear_line(tmp_path: Path, bad: Any, said: str) -> None:
    report = look(written(tmp_path, [*(row(n) for n in range(200)), bad, row(300)]))
    (fault,) = report.faults
    assert said in fault
    assert "1 row was left out" in fault
    assert "line 201" in fault
    assert report.categories[0].labels == 201


def test_a_repeated_ticket_earns_nothing(tmp_path: Path) -> None:
    report = look(written(tmp_path, [row(1) for _ in range(1000)]))
    assert report.categories[0].labels == 1
    assert isinstance(report.categories[0].found, NotEnough)
    assert "999 rows were left out" in report.faults[0]


def test_three_rows_say_how_many_labels_are_missing(tmp_path: Path) -> None:
    (tuned,) = look(written(tmp_path, [row(n) for n in range(3)])).categories
    assert isinstance(tuned.found, NotEnough)
    assert tuned.found.needed == 111, "114 right labels reject a risk of 2 % at 10 %"
    assert "111 at best" in as_text(look(written(tmp_path, [row(n) for n in range(3)])))


def test_confidences_that_are_all_equal_or_labels_that_are_all_wrong_are_remarked_on(tmp_path: Path) -> None:
    wrong = [row(n, correct=False, category="bad") for n in range(500)]
    right = [row(n, category="good") for n in range(500)]
    report = look(written(tmp_path, [*wrong, *right]))
    bad, good = report.categories
    assert isinstance(bad.found, NotEnough)
    assert isinstance(good.found, Certificate)
    text = as_text(report)
    assert "good: every confidence is 0.95, so it can only run as a whole or not at all" in text
    assert "bad: every label is wrong" in text


def test_human_decisions_stand_in_for_correct_and_cosmetic_edits_are_right(tmp_path: Path) -> None:
    made = [
        row(1, correct=None, human_decision="approved"),
        row(2, correct=None, human_decision="edited", proposal="Sent on Monday!", human_final="sent on monday"),
        row(3, correct=None, human_decision="edited", proposal="Sent on Monday", human_final="Sent on Friday"),
        row(4, correct=None, human_decision="rejected"),
        row(5, correct=None, human_decision="escalated"),
    ]
    (tuned,) = look(written(tmp_path, made)).categories
    assert (tuned.labels, tuned.wrong) == (5, 3)


def test_a_file_without_a_usable_row_is_refused_with_its_reason(tmp_path: Path) -> None:
    for rows, said in (([], "it has no rows"), ([row(1, confidence=None)], "its confidence is missing")):
        with pytest.raises(BadInput, match=said):
            look(written(tmp_path, rows))
    with pytest.raises(BadInput, match="cannot be read"):
        look(tmp_path / "nowhere.jsonl")
    broken = written(tmp_path, [row(n) for n in range(1000)], packed=True)
    broken.write_bytes(broken.read_bytes()[:-40])
    with pytest.raises(BadInput, match="cannot be read"):
        look(broken)


def test_a_large_history_of_one_category_is_read_to_its_end_and_with_progress(tmp_path: Path) -> None:
    draw_ = random.Random(4)
    path = tmp_path / "large.jsonl"
    with path.open("w") as target:
        for number in range(100_000):
            sure = draw_.random()
            target.write(
                f'{{"ticket_id":"t{number}","category":"all","confidence":{sure:.6f},'
                f'"correct":{"true" if draw_.random() < sure else "false"}}}\n'
            )
    told: list[int] = []
    begun = time.perf_counter()
    (tuned,) = tune(path, risk=0.05, confidence=0.9, progress=told.append).categories
    assert time.perf_counter() - begun < 30, "it takes longer and longer"
    assert tuned.labels == 100_000
    assert len(told) > 20
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
    assert isinstance(tuned.found, Certificate)
    assert 0.85 < tuned.found.threshold < 0.95, "the mean error above t is (1 - t) / 2"


def test_the_command_prints_a_table_json_and_a_picture(tmp_path: Path) -> None:
    path, picture = written(tmp_path, [row(n) for n in range(400)]), tmp_path / "risk.png"
    plain = run(str(path), "--plot", str(picture))
    assert plain.exit_code == 0, plain.output
    for words in ("At most 2 % of what runs on its own is wrong", "refunds", "fixed 0.8", "fixed 0.9", "naive"):
        assert words in plain.output
    assert picture.read_bytes().startswith(PNG)
    document = json.loads(run(str(path), "--json", "--risk", "0.05").stdout)
    assert (document["risk"], document["rows"], document["categories"][0]["certificate"]["covered"]) == (0.05, 400, 400)
    assert set(document["categories"][0]["held_out"]) == {"rows", "this method", "naive", "fixed 0.8", "fixed 0.9"}


@pytest.mark.parametrize(("option", "value"), [("--risk", "0"), ("--risk", "1.5"), ("--confidence", "1")])
def test_a_promise_that_cannot_be_is_refused(tmp_path: Path, option: str, value: str) -> None:
    answer = run(str(written(tmp_path, [row(1)])), option, value)
    assert isinstance(answer.exception, BadInput)


def test_thresholds_go_into_the_policy_with_their_evidence_and_leave_the_rest_alone(tmp_path: Path) -> None:
    rows = [row(n, category=name) for name in ("orders", "refunds", "new.one", "Bad Name") for n in range(400)]
    path, policy = written(tmp_path, [*rows, row(1, category="legal")]), tmp_path / "policy.toml"
    policy.write_text(f"# ours\n{POLICY}")
    answer = run(str(path), "--write-policy", str(policy))
    assert answer.exit_code == 0, answer.output
    text = policy.read_text()
    evidence = (
        "threshold = 0.94967  # sayso tune: 0 wrong of 400 at or above it, of 400 labels; "
        "at most 2 % wrong with 90 % confidence"
    )
    assert text.count(evidence) == 3
    assert text.startswith("# ours\n")
    assert "threshold = 0.9\n" not in text
    assert '[categories."new.one"]' in text
    assert "legal was left alone: no threshold is certified." in answer.output
    assert "'Bad Name' was left alone" in answer.output
    assert run(str(path), "--write-policy", str(policy)).exit_code == 0
    assert policy.read_text() == text, "a second time changes nothing"


def test_a_category_that_earns_its_threshold_keeps_earning_it(tmp_path: Path) -> None:
    report = look(written(tmp_path, [row(n) for n in range(400)]))
    before = "[categories.refunds]\nrisk = 0.02\n"
    after, left = into_policy(before, report)
    assert (after, len(left)) == (before, 1)


def test_a_policy_that_would_not_hold_is_not_written(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[categories.refunds]\nmode = 7\n")
    answer = run(str(written(tmp_path, [row(n) for n in range(400)])), "--write-policy", str(policy))
    assert isinstance(answer.exception, BadInput)
    assert policy.read_text() == "[categories.refunds]\nmode = 7\n"


async def test_the_bot_draws_in_another_process_and_never_loads_the_library_itself(tmp_path: Path) -> None:
    report = look(written(tmp_path, [row(n) for n in range(400)]))
    probe = (
        "import asyncio, json, sys\n"
        "import bot.app, bot.charts\n"
        "png = asyncio.run(bot.charts.draw_apart(json.load(sys.stdin)))\n"
        "print(png[1:4].decode(), 'matplotlib' in sys.modules)\n"
    )
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", probe), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate(json.dumps(as_curves(report)).encode())
    assert said.decode().split() == ["PNG", "False"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_caption_of_a_picture_fits_on_it(count: int) -> None:
    category = {"name": "refunds", "labels": 1, "shares": [1.0], "errors": [0.0], "chosen": None, "why": "none yet"}
    figure = _curves({"kind": "curves", "risk": 0.005, "categories": [category] * count})
    figure.draw_without_rendering()
    (caption,) = figure.texts
    extent = caption.get_window_extent()
    assert 0 <= extent.x0 < extent.x1 <= figure.bbox.width
    assert figure.axes[0].get_title("left") == "refunds (1 label)"


async def test_a_picture_that_cannot_be_drawn_is_an_error_with_its_reason() -> None:
    with pytest.raises(RuntimeError, match="KeyError"):
        await draw_apart({"kind": "weeks"})
