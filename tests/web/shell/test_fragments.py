"""Pieces of a page that are drawn once and kept."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django import forms
from django.http import QueryDict
from django.utils import translation
from django.utils.safestring import SafeString

from dispatch.web.shell.chips import chips, filter_field
from dispatch.web.shell.forms import Ticks
from dispatch.web.shell.fragments import drawn_once
from dispatch.web.shell.tags import avatar, avatars, icon, status

WEB = Path(__file__).resolve().parents[3] / "dispatch" / "web"


def test_a_piece_is_drawn_once_for_the_same_words_and_language() -> None:
    drawn: list[str] = []

    @drawn_once
    def piece(word: str) -> SafeString:
        drawn.append(word)
        return SafeString(word)

    assert [piece("one"), piece("one"), piece("two")] == ["one", "one", "two"]
    assert drawn == ["one", "two"]
    with translation.override("de"):
        assert piece("one") == "one"
    assert drawn == ["one", "two", "one"]


def test_a_piece_ends_without_the_line_break_of_its_file() -> None:
    assert str(icon("clock")) == (
        '<svg class="icon" aria-hidden="true" focusable="false">'
        '<use href="/static/icons/sprite.svg#clock"/></svg>'
    )
    assert str(status("HOLD", plain=True)).endswith("</svg>hold</span>")


@pytest.mark.parametrize("name", ["<b>Tom</b>", '"><script>alert(1)</script>'])
def test_a_name_stays_a_name(name: str) -> None:
    for drawn in (avatars(name), avatar("T", name), status("hold", name)):
        assert "<b>" not in drawn
        assert "<script>" not in drawn


def test_a_person_is_named_unless_the_name_stands_beside() -> None:
    assert 'role="img" aria-label="Tom Reyes" title="Tom Reyes">TR<' in avatars("Tom Reyes")
    assert 'aria-hidden="true">TR<' in avatars("Tom Reyes", label=False)


class Filter(forms.Form):
    which = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], widget=Ticks)
    day = forms.DateField(required=False)


def fields(query: str) -> str:
    asked = QueryDict(query)
    which = (("all", "All", ("which", "day")),)
    chip = chips(Filter(asked), asked, which, lambda **_: "/")[0]
    return "".join(filter_field(field) for field in chip["fields"])


def test_what_is_kept_of_a_filter_holds_nothing_that_somebody_chose() -> None:
    untouched = fields("")
    assert "checked" not in untouched
    assert 'value="b" id="id_which_1" checked> B</label>' in fields("which=b")
    assert 'value="2026-13-99"' in fields("day=2026-13-99")
    assert fields("") == untouched


def test_python_holds_no_markup() -> None:
    """Every tag that a page shows is written in a template."""
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "</" not in node.value, f"{path.name}, line {node.lineno}"
