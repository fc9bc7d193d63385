"""What our forms share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting

DAY_ERRORS = {"invalid": "Enter a day, such as 2026-11-24."}


class DayInput(forms.DateInput):
    """A day, picked with the browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class Renderer(TemplatesSetting):
    """Renders each form and field with label, help and errors in our markup."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
