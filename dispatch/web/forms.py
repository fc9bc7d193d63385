"""What our forms share."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Renders each form and field with label, help and errors in our markup."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
