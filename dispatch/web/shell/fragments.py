"""Small pieces of a page that are drawn once and kept, as a list shows them some hundreds of times.

A piece may be kept when it is made of its arguments alone: no person, no request, no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

P = ParamSpec("P")

MOST_KEPT = 4096
"""Pieces that each tag keeps in memory; those asked for longest ago go first."""


def drawn_once(draw: Callable[P, SafeString]) -> Callable[P, SafeString]:
    """Return ``draw``, which renders its template once for the same arguments and language."""

    @lru_cache(maxsize=MOST_KEPT)
    def kept(_language: str | None, *args: Any, **kwargs: Any) -> SafeString:
        return draw(*args, **kwargs)

    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> SafeString:
        return kept(get_language(), *args, **kwargs)

    return drawn


def draw(template: str, **values: Any) -> SafeString:
    """Return a template of values alone, without the line break at the end of its file."""
    return SafeString(render_to_string(template, values).strip())
