"""Answers to requests that cannot be served."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def expired_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form's token is missing or old, so that nothing was done with it."""
    return render(request, "403_csrf.html", status=403)
