"""Who may import whom, as pyproject.toml says it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(*options: str, at: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--no-cache", *options], cwd=at, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_import_keeps_to_the_rooms() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 kept, 0 broken" in done.stdout


def test_a_contract_that_the_code_breaks_is_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "contracts.toml"
    wrong.write_text(
        """
[tool.importlinter]
root_packages = ["bot", "handlers", "storage"]

[[tool.importlinter.contracts]]
name = "Nobody knows the domain"
type = "forbidden"
source_modules = ["handlers"]
forbidden_modules = ["bot.domain"]
"""
    )
    done = lint("--config", str(wrong))
    assert done.returncode == 1
    assert "BROKEN" in done.stdout
