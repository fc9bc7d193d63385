"""The filters of a list as chips: what is chosen, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

Chip = tuple[str, str, tuple[str, ...]]
"""Slug, label, and the fields of the form that it holds."""


def chips(
    form: forms.Form, query: QueryDict, which: Iterable[Chip], address: Callable[..., str]
) -> list[dict[str, Any]]:
    """What `components/chips.html` shows; ``address`` is the list's with some fields changed."""
    made = []
    for slug, label, names in which:
        active = [name for name in names if query.getlist(name)]
        made.append(
            {
                "slug": slug,
                "label": label,
                "fields": partial(_drawn, [form[name] for name in names]),
                "summary": _summary(form, query, active),
                "active": bool(active),
                "clear_url": address(**dict.fromkeys(names, "")),
            }
        )
    return made


def _drawn(fields: list[BoundField]) -> SafeString:
    """The fields as they are drawn; those in which nothing is chosen look the same each time."""
    if any(field.data or field.errors for field in fields):
        return _draw(fields)
    return _draw_once(_Idle(fields))


def _draw(fields: list[BoundField]) -> SafeString:
    shown = (
        render_to_string("components/field.html", {"field": field, "hide_optional": True})
        for field in fields
    )
    return SafeString("".join(shown))


class _Idle:
    """Fields in which nothing is chosen: they are told apart by what they are and offer."""

    def __init__(self, fields: list[BoundField]) -> None:
        self.fields = fields
        self._key = tuple(
            (
                field.auto_id,
                field.label,
                type(field.field.widget),
                tuple(getattr(field.field, "choices", ())),
            )
            for field in fields
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Idle) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=512)
def _draw_once(idle: _Idle) -> SafeString:
    # What is kept must not keep the form, and with it what somebody typed elsewhere in it.
    fields, idle.fields = idle.fields, []
    return _draw(fields)


def _summary(form: forms.Form, query: QueryDict, names: list[str]) -> str:
    """What an active chip says: the chosen words, shortened when there are many."""
    words: list[str] = []
    for name in names:
        choices = getattr(form.fields[name], "choices", ())
        labels = {str(value): str(label) for value, label in choices}
        words += [labels.get(value, value) for value in query.getlist(name)]
    more = f" +{len(words) - 2}" if len(words) > 2 else ""
    return ", ".join(words[:2])[:40] + more
