"""Reproductions as text for a terminal, as Markdown for the docs, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.papers.claim import REPRODUCED, SHOWN
from benchmarks.papers.paper import Reproduced
from schuss.insight.shown import columns, plain

__all__ = ["as_json", "as_markdown", "as_text", "made_on", "summary"]

Row = tuple[str, ...]


def as_text(made: Reproduced) -> str:
    """Return a reproduction as a table for a terminal."""
    head, *rows = _rows(made)
    about = [f"{made.paper.title}  [{made.paper.name}]", made.paper.source, made.paper.setting]
    return "\n".join([*about, "", *columns(head, rows), *_words(made), f"{made.seeds}; {made.time}"])


def as_markdown(made: Reproduced) -> str:
    """Return a reproduction as a section of Markdown."""
    head, *rest = _rows(made)
    rows = [head, ("---",) * len(head), *rest]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    about = f"{made.paper.source}\n{made.paper.setting}"
    ran = f"`{made.command}`: {made.seeds}; {made.time}."
    return "\n\n".join([f"### {made.paper.title}", about, table, *_words(made), ran])


def as_json(made: Sequence[Reproduced], machine: dict[str, Any]) -> dict[str, Any]:
    """Return all of it as plain JSON values."""
    answer: dict[str, Any] = plain({"machine": machine, "papers": [_told(one) for one in made]})
    return answer


def summary(made: Sequence[Reproduced]) -> str:
    """Return how many lines have which verdict, and how long it all took."""
    counts = Counter(claim.verdict for one in made for claim in one.claims)
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    seconds, worked = sum(one.seconds for one in made), sum(one.worked for one in made)
    return f"{verdicts}; {seconds:.0f} s, {worked:.0f} s of processor time"


def made_on(machine: dict[str, Any]) -> str:
    """Return date and machine in a line."""
    schuss = machine["versions"].get("schuss", "")
    processors = f"{machine['processors']} of {machine['processor']}, {machine['instruction set']}"
    return f"{machine['date'][:10]}, schuss {schuss}, {processors}"


def _rows(made: Reproduced) -> list[Row]:
    return [("", made.paper.against, "here", "accepted", "verdict"), *(claim.cells for claim in made.claims)]


def _words(made: Reproduced) -> list[str]:
    """Return a sentence for each reason, in front of it the lines that do not match for it."""
    reasons: dict[str, list[str]] = {}
    for claim in made.claims:
        if claim.words and claim.verdict not in (REPRODUCED, SHOWN):
            reasons.setdefault(claim.words, []).append(claim.what)
    return [f"{'; '.join(lines)}: {words}" for words, lines in reasons.items()]


def _told(made: Reproduced) -> dict[str, Any]:
    about = {key: getattr(made.paper, key) for key in ("name", "title", "source", "setting")}
    lines = [asdict(claim) | {"verdict": claim.verdict} for claim in made.claims]
    return {
        **about,
        "command": made.command,
        "seeds": made.seeds,
        "seconds": made.seconds,
        "worked": made.worked,
        "lines": lines,
    }
