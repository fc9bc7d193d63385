"""The addresses of a person's own account, allauth's pages among them, below ``/account/``."""

from __future__ import annotations

from django.urls import include, path

from dispatch.web.account import presence, second_factor, sessions, views
from dispatch.web.people import invitations

urlpatterns = [
    path("settings/", views.settings, name="account_settings"),
    path("theme/", views.set_theme, name="account_theme"),
    path("presence/", presence.presence, name="presence"),
    path("second-factor/", second_factor.ask, name="second_factor"),
    path("sessions/", sessions.own, name="sessions"),
    path("sessions/end/", sessions.end_others, name="sessions_end"),
    path("sessions/<int:session_id>/end/", sessions.end_one, name="session_end"),
    path("invitation/", invitations.accept, name="invitation"),
    path("invitation/<str:token>/", invitations.follow, name="invitation_link"),
    # One account has one address, that of its invitation.
    path("email/", views.settings, name="account_email"),
    path("", include("allauth.urls")),
]
