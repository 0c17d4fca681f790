"""What the documents say is run, and what they print is compared."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from schuss.interface.cli.app import COMMANDS
from schuss.interface.cli.page import page

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"#\s*->\s*(.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def blocks() -> list[object]:
    found = [(path, code) for path in PAGES for code in BLOCK.findall(path.read_text())]
    return [pytest.param(code, id=f"{path.name}-{i}") for i, (path, code) in enumerate(found)]


def printed_by(code: str) -> list[str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "a document", "exec"), {})  # noqa: S102  # the documents are ours
    return out.getvalue().splitlines()


@pytest.mark.parametrize("code", blocks())
def test_snippets_print_what_they_say(code):
    """Each Python block runs, and prints what its `# ->` comments say."""
    told = EXPECTED.findall(code)
    printed = printed_by(code)
    if told:
        assert printed == told


def test_a_wrong_digit_is_noticed():
    """The comparison above rejects a document whose digit is wrong."""
    code = BLOCK.findall((ROOT / "README.md").read_text())[0]
    assert printed_by(code) == EXPECTED.findall(code)
    assert printed_by(code.replace("seed=1", "seed=2")) != EXPECTED.findall(code)


def test_readme_shows_a_running_example_early():
    """README's first runnable example stands before line 20 and states the digits that it prints."""
    lines = (ROOT / "README.md").read_text().splitlines()
    start = lines.index("```python")
    end = lines.index("```", start)

    assert end < 20
    assert EXPECTED.search("\n".join(lines[start:end]))


def test_the_cli_page_is_the_program():
    """docs/cli.md is what `python -m schuss.interface.cli.page` writes, and names every command."""
    text = (ROOT / "docs" / "cli.md").read_text()

    assert text == page()
    for command in COMMANDS:
        assert f"## {command}\n" in text


@pytest.mark.parametrize("path", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    """Every relative link in a document names a file that exists."""
    for link in LINK.findall(path.read_text()):
        assert (path.parent / link).exists(), link


def test_contributing_names_real_places():
    """Every path in CONTRIBUTING's table exists."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for place in re.findall(r"^\| `([\w./-]+)` \|", text, re.MULTILINE):
        assert (ROOT / place).exists(), place
