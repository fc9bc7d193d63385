"""Django's own list of the same jobs: the same columns, the same order, fifty to a page."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

from dispatch.models import ServiceJob


class Site(admin.AdminSite):
    """An admin site that lets everybody in: our people have no staff among them."""

    def has_permission(self, request: HttpRequest) -> bool:
        return True


class Jobs(admin.ModelAdmin):  # type: ignore[type-arg]
    """What somebody would register who wants the list and no more."""

    list_display = (
        "scheduled_start", "title", "service_job_id", "status", "technician_names", "city",
        "state_or_region", "scheduled_end",
    )  # fmt: skip
    list_filter = ("status",)
    list_per_page = 50
    ordering = ("scheduled_key", "id")

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return True

    has_change_permission = has_add_permission = has_delete_permission = has_view_permission
    has_module_permission = has_view_permission


site = Site()
site.register(ServiceJob, Jobs)
urlpatterns = [path("admin/", site.urls), path("", include("dispatch.urls"))]
