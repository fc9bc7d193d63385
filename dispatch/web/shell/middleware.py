"""What every answer has in common."""

from __future__ import annotations

from collections.abc import Callable

from allauth.core.internal.httpkit import get_client_ip
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from dispatch.models import Person
from dispatch.services.audit import activity

GetResponse = Callable[[HttpRequest], HttpResponse]


class PrivatePages:
    """Lets no cache keep a page, which may hold buyer data, and tells htmx's answers apart."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        patch_vary_headers(response, ["HX-Request"])
        # No other origin's page may take ours in, not even as a picture.
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class WhoAsks:
    """Tells the log of activity whose request is being answered; it stands behind the log-in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        def person() -> Person | None:
            # Here, as only now is it known whether anybody wants to know: it costs two queries.
            return request.user if isinstance(request.user, Person) else None

        with activity.asked_by(activity.Asking(person, get_client_ip(request) or "")):
            return self.get_response(request)
