"""The styles: every class is used by a page, and every class that a page uses is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CSS, JS, TEMPLATES = ROOT / "static" / "css", ROOT / "static" / "js", ROOT / "templates"

CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
ATTRIBUTE = re.compile(r'\bclass="((?:[^"{]|\{\{.*?\}\}|\{%.*?%\})*)"')
BLOCK = re.compile(r"\{%.*?%\}")
VALUE = re.compile(r"\{\{.*?\}\}")
CHOICE = re.compile(r"([\w-]+--)((?:\{%.*?%\}[\w-]*)+)")
OF_LIBRARIES = {"htmx-request", "errorlist"}
"""htmx and Django's forms set these by themselves."""
TONES = ROOT / "dispatch" / "web" / "shell" / "clock.py"
"""Its remarks name the class that their words are shown in."""


def rules(text: str) -> str:
    """Return the selectors of a style sheet, without its comments, strings and declarations."""
    text = re.sub(r"/\*.*?\*/|\"[^\"]*\"|url\([^)]*\)", "", text, flags=re.DOTALL)
    return " ".join(re.findall(r"([^{};]+)\{", text))


@cache
def defined() -> frozenset[str]:
    return frozenset(
        name for path in CSS.rglob("*.css") for name in CLASS.findall(rules(path.read_text()))
    )


@cache
def in_templates() -> frozenset[str]:
    """Return the classes of every template; "status--*" where the rest is a value."""
    found: set[str] = set()
    for path in TEMPLATES.rglob("*.html"):
        for attribute in ATTRIBUTE.findall(path.read_text()):
            attribute = CHOICE.sub(_choices, attribute)
            found |= set(VALUE.sub("*", BLOCK.sub(" ", attribute)).split())
    return frozenset(found)


def _choices(match: re.Match[str]) -> str:
    """Return every class of ``notice--{% if … %}warning{% else %}info{% endif %}``."""
    return " ".join(match[1] + end for end in BLOCK.split(match[2]) if end)


def strings_of(path: Path) -> set[str]:
    constants = (node for node in ast.walk(ast.parse(path.read_text())))
    return {
        node.value
        for node in constants
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@cache
def in_scripts() -> frozenset[str]:
    """Return the words of the strings in scripts."""
    text = " ".join(path.read_text() for path in JS.rglob("*.js"))
    return frozenset(re.findall(r"[\w-]+", " ".join(re.findall(r"[\"'`]([^\"'`]*)", text))))


@cache
def values() -> frozenset[str]:
    """Return what a class may end in where its end is a value: words of Python and of templates."""
    words = set(map(str, range(1, 7)))
    for path in (ROOT / "dispatch").rglob("*.py"):
        words |= strings_of(path)
    for path in TEMPLATES.rglob("*.html"):
        words |= set(re.findall(r"[\"']([\w-]+)[\"']", " ".join(BLOCK.findall(path.read_text()))))
    return frozenset(words)


def is_used(name: str) -> bool:
    if name in in_templates() | in_scripts() | strings_of(TONES) | OF_LIBRARIES:
        return True
    begun = [one.removesuffix("*") for one in in_templates() if len(one) > 1 and one[-1] == "*"]
    return any(name.startswith(one) and name.removeprefix(one) in values() for one in begun)


def test_every_class_is_used() -> None:
    assert sorted(name for name in defined() if not is_used(name)) == []


def test_every_class_of_a_page_is_there() -> None:
    named = {name for name in in_templates() if "*" not in name}
    assert sorted(named - defined()) == []


def test_every_element_of_a_value_is_there() -> None:
    for one in in_templates():
        begun = one.removesuffix("*")
        assert not begun or "*" not in one or any(name.startswith(begun) for name in defined()), one
