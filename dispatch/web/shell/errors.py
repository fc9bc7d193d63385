"""Answers to requests that cannot be served."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def expired_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is missing or old: nothing was done; going back keeps what was typed."""
    return render(request, "403_csrf.html", status=403)
