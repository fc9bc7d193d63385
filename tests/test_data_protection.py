"""The paper stays true: what it names is there, and what it calls a proof is run."""

from __future__ import annotations

import ast
import re

import pytest

from tests.documents import ROOT, functions, quoted
from tests.web.test_headers import HEADERS

PAPER = (ROOT / "docs" / "data-protection.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAPER.splitlines()
    if line.startswith("| ") and line.count(" | ") == 3 and "---" not in line
]
REQUIREMENTS = [row for row in ROWS if row[0] != "requirement"]
SKIPS = {"skip", "xfail"}


def test_the_paper_has_its_parts() -> None:
    assert len(REQUIREMENTS) > 20
    for part in ("People", "Data", "Activity", "Web", "Use"):
        assert f"## {part}\n" in PAPER


@pytest.mark.parametrize("row", REQUIREMENTS, ids=lambda row: row[0][:60])
def test_a_requirement_names_code_and_proof(row: list[str]) -> None:
    _, _, where, proof = row
    assert quoted(where), "no code"
    assert quoted(proof), "no proof"
    for name in quoted(where):
        assert (ROOT / name).exists(), f"{name} is not there"
    for name in quoted(proof):
        path, _, test = name.partition("::")
        found = functions(ROOT / path)
        assert test in found, f"{name} is not there"
        marks = {ast.unparse(one) for one in found[test].decorator_list}
        assert not [mark for mark in marks if SKIPS & set(re.findall(r"\w+", mark))], name


def test_the_headers_on_paper_are_those_that_are_sent() -> None:
    assert set(re.findall(r"^\| `([A-Z][\w-]+)` \|", PAPER, re.MULTILINE)) == set(HEADERS)


def test_the_other_papers_are_there() -> None:
    assert "security@amazon.com" in (ROOT / "docs" / "incidents.md").read_text()
    assert "docs/data-protection.md" in (ROOT / "SECURITY.md").read_text()
