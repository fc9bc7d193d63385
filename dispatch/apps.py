from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "dispatch"
    label = "dispatch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its receivers hear who logs in and who fails to.
        import_module("dispatch.web.account.log_ins")
        # Theirs begin sessions, close gates and lift locks.
        import_module("dispatch.web.account.receivers")
