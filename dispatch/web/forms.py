"""What our forms share."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Renders each field with its label, help and errors in our markup."""

    field_template_name = "components/field.html"
