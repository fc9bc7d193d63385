"""The filters of a list as chips: what is chosen, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.http import QueryDict

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
                "fields": [form[name] for name in names],
                "summary": _summary(form, query, active),
                "active": bool(active),
                "clear_url": address(**dict.fromkeys(names, "")),
            }
        )
    return made


def _summary(form: forms.Form, query: QueryDict, names: list[str]) -> str:
    """What an active chip says: the chosen words, shortened when there are many."""
    words: list[str] = []
    for name in names:
        choices = getattr(form.fields[name], "choices", ())
        labels = {str(value): str(label) for value, label in choices}
        words += [labels.get(value, value) for value in query.getlist(name)]
    more = f" +{len(words) - 2}" if len(words) > 2 else ""
    return ", ".join(words[:2])[:40] + more
