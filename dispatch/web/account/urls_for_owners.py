"""The addresses of what owners do to the accounts of their people, below ``/people/``."""

from __future__ import annotations

from django.urls import path

from dispatch.web.account import sessions

urlpatterns = [
    path("<int:membership_id>/sessions/end/", sessions.end_all, name="person_sessions_end"),
    path("<int:membership_id>/lift/", sessions.lift, name="person_lift"),
]
