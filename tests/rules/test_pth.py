"""A .pth file runs code at every start of Python: no package may bring one that nobody has looked at."""

import re
import site
import sysconfig
from pathlib import Path

SETUPTOOLS = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, '{default}') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();"
)
KNOWN = {
    "distutils-precedence.pth": {SETUPTOOLS.format(default=default) for default in ("local", "stdlib")},
    "_virtualenv.pth": {"import _virtualenv"},
}
OURS = re.compile(r"__editable__\.sayso-[0-9][0-9A-Za-z.+-]*\.pth")
FINDER = re.compile(r"import (__editable___sayso_[0-9A-Za-z_]+_finder); \1\.install\(\)")


def places() -> list[Path]:
    found = {*site.getsitepackages(), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}
    return [Path(place) for place in found if Path(place).is_dir()]


def strangers(place: Path) -> list[str]:
    """The .pth files of a place that are not known, or do not say what they are known to say."""
    return [file.name for file in sorted(place.glob("*.pth")) if not known(file.name, file.read_text().strip())]


def known(name: str, text: str) -> bool:
    if OURS.fullmatch(name):
        return bool(FINDER.fullmatch(text)) or not re.search(r"^import\b", text, re.MULTILINE)
    return text in KNOWN.get(name, set())


def test_no_unknown_pth_file_is_installed() -> None:
    looked = places()
    assert looked
    for place in looked:
        assert strangers(place) == [], place


def test_an_unknown_or_changed_pth_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "litellm_init.pth").write_text("import os; os.system('true')\n")
    (tmp_path / "distutils-precedence.pth").write_text("import evil\n")
    (tmp_path / "__editable__.sayso-0.1.0.pth").write_text("/home/me/sayso\n")
    (tmp_path / "__editable__.sayso-0.2.0.pth").write_text("import evil\n")
    assert strangers(tmp_path) == ["__editable__.sayso-0.2.0.pth", "distutils-precedence.pth", "litellm_init.pth"]
