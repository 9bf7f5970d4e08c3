"""What the README promises: two commands that a fresh machine can follow, and links that lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sources import ROOT, files, names_of_modules

START = re.compile(r"^## Start\n.*?^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CLI = "import sys; from intaglio.compiler.cli.main import main; sys.exit(main(sys.argv[1:]))"


def commands() -> list[str]:
    found = START.search((ROOT / "README.md").read_text())
    assert found, "README.md has no section Start that begins with a code block"
    return found.group(1).splitlines()


def steps() -> list[list[str]]:
    """The calls of `intaglio` in the first command, without the program's name."""
    return [shlex.split(part)[1:] for part in commands()[0].split(" && ") if part.startswith("intaglio ")]


def test_start_is_exactly_two_commands() -> None:
    first, second = commands()
    assert first.startswith("python3 -m venv .venv && . .venv/bin/activate && pip install ")
    assert second == 'python3 -m venv .venv && . .venv/bin/activate && pip install ".[test]" && pytest'
    assert [step[0] for step in steps()] == ["run", "compile", "run"]


def test_the_first_command_does_the_main_job(tmp_path: Path) -> None:
    if "intaglio.compiler.cli.main" not in names_of_modules():
        pytest.skip("the command line does not exist")
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "examples" / "digits")
    for step in steps():
        done = subprocess.run([sys.executable, "-c", CLI, *step], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"intaglio {shlex.join(step)}\n{done.stderr}"
    assert {path.suffix for path in (tmp_path / "build" / "digits").iterdir()} >= {".o", ".h"}


@pytest.mark.parametrize("page", [path for path in files() if path.suffix == ".md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if "://" not in target and not (page.parent / target).exists()]
