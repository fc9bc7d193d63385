"""What our forms share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatch.web.shell.fragments import draw, drawn_once

DAY_ERRORS = {"invalid": _("Enter a day, such as 2026-11-24.")}


class DayInput(forms.DateInput):
    """A day, picked with the browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class Ticks(forms.CheckboxSelectMultiple):
    """Checkboxes that are drawn once for the same choices: a roster of a hundred took 20 ms."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = frozenset(self.format_value(value))
        return _ticks((attrs or {}).get("id", f"id_{name}"), name, tuple(self.choices), chosen)


@drawn_once
def _ticks(
    base: str, name: str, choices: tuple[tuple[Any, Any], ...], chosen: frozenset[str]
) -> SafeString:
    return draw("components/ticks.html", base=base, name=name, choices=choices, chosen=chosen)


class Renderer(TemplatesSetting):
    """Renders each form and field with label, help and errors in our markup."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
