"""A step with one main button: in the dialog over the page it began on, or on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

from dispatch.web.shell.guards import PersonRequest


@dataclass(frozen=True, slots=True)
class Task:
    """A step with one main button: a dialog over the page it began on, or a page of its own."""

    title: str
    button: str
    back: str
    lead: str = ""
    danger: bool = False


def show_task(request: PersonRequest, task: Task, form: forms.Form | None = None) -> HttpResponse:
    """Show the step as the dialog's content for htmx, as a page for everyone else."""
    in_dialog = request.htmx.target == "dialog-body"
    return render(
        request,
        "components/task.html#task" if in_dialog else "components/task.html",
        {"task": task, "form": form, "in_dialog": in_dialog},
        status=422 if form is not None and form.is_bound else 200,
    )


def leave_task(request: PersonRequest, url: str) -> HttpResponse:
    """Go on to ``url``, out of a dialog too."""
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
