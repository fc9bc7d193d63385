"""The filters of a list as chips: what is chosen, and how to take it back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from dispatch.web.shell.fragments import draw, drawn_once

Chip = tuple[str, str | Promise, tuple[str, ...]]
"""Slug, label, and the fields of the form that it holds."""


def chips(
    form: forms.Form, query: QueryDict, which: Iterable[Chip], address: Callable[..., str]
) -> list[dict[str, Any]]:
    """Return what `components/chips.html` shows.

    ``address`` returns the list's address with some of its fields changed.
    """
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


@dataclasses.dataclass(frozen=True)
class Untouched:
    """A field in which nothing is chosen: equal to any that is called and offers the same.

    It holds no form, so that what is kept of it keeps nothing that somebody typed.
    """

    name: str
    label: str
    widget: type[forms.Widget]
    choices: tuple[Any, ...]
    field: forms.Field = dataclasses.field(compare=False)


def filter_field(field: BoundField) -> SafeString:
    """Draw a field of a filter with its label; while nothing is chosen in it, only once."""
    if field.data or field.errors:
        return draw("components/field.html", field=field, hide_optional=True)
    choices = tuple(getattr(field.field, "choices", ()))
    kind = type(field.field.widget)
    return _untouched(Untouched(field.name, str(field.label), kind, choices, field.field))


@drawn_once
def _untouched(one: Untouched) -> SafeString:
    field = one.field.get_bound_field(forms.Form(), one.name)
    return draw("components/field.html", field=field, hide_optional=True)


def _summary(form: forms.Form, query: QueryDict, names: list[str]) -> str:
    """Return what an active chip says: the chosen words, shortened when there are many."""
    words: list[str] = []
    for name in names:
        choices = getattr(form.fields[name], "choices", ())
        labels = {str(value): str(label) for value, label in choices}
        words += [labels.get(value, value) for value in query.getlist(name)]
    more = f" +{len(words) - 2}" if len(words) > 2 else ""
    return ", ".join(words[:2])[:40] + more
