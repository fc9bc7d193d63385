"""Ends the sessions of people who are away, and locks a technician's phone.

Only what a person does counts. A page left open asks by itself whether it is still true, and such
polls keep nobody logged in. ``static/js/presence.js`` reports keys and taps, warns a minute
before, and leaves the page when time is up.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from dispatch.models import Person
from dispatch.selectors.people import is_technician_only
from dispatch.services.access import sessions
from dispatch.services.access.sessions import EndReason
from dispatch.web.account.gates import LOCK, closed_gate, gate_of, with_next
from dispatch.web.shell.guards import PersonRequest

SINCE, SEEN, OVER = "since", "seen", "over"
"""What a session keeps of itself: when it began, when it was last used, and why it is over."""
POLL_HEADER = "X-Dispatch-Poll"
"""The header of a request that a page makes by itself."""
NOTED_EVERY = 60.0
"""Seconds between two notes that somebody is there: a busy minute costs one write."""
WORDS = {
    EndReason.IDLE: _(
        "You were logged out because nothing happened for %(minutes)s minutes. What you typed and "
        "did not send is lost."
    ),
    EndReason.SHIFT_OVER: _("You were logged out after %(hours)s hours. Log in again."),
}
ENDED = _("Your session has ended. Please log in again.")
NOT_DONE = _("What you sent did not go through. Please send it again.")


class Presence:
    """Middleware that ends idle sessions, and stops a session at its closed gates.

    Where htmx asked for a part of a page, the answer loads the whole page anew: a log-in must not
    be shown inside a part.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if SESSION_KEY in request.session and (why := _reason_to_end(request)):
            # A poll only says that it is over: the page it reloads ends the session, with words.
            return (is_poll(request) and _whole_page(request)) or _end(request, why)
        response = self.get_response(request)
        if _asks_to_log_in(response):
            return _to_log_in(request, response)
        _keep_listed(request, key)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        # Said until somebody logs in: a page may be asked for twice, and only the last is seen.
        if (words := request.session.get(OVER)) and _shows_log_in(request):
            messages.warning(request, words)
        if SESSION_KEY not in request.session:
            return None
        gate = closed_gate(request, _name_of(request))
        if gate is None:
            return None
        if _is_sent(request):
            messages.warning(request, NOT_DONE)
        return _whole_page(request) or redirect(gate.address(request))


def is_poll(request: HttpRequest) -> bool:
    """Return True for a request that an open page makes by itself."""
    return POLL_HEADER in request.headers or request.path.endswith("/changes/")


def _name_of(request: HttpRequest) -> str:
    """Return the name of the address that was asked for, "" for none."""
    return (request.resolver_match.url_name if request.resolver_match else None) or ""


def _shows_log_in(request: HttpRequest) -> bool:
    return _name_of(request) == settings.LOGIN_URL and request.method == "GET"


def _reason_to_end(request: HttpRequest) -> EndReason | None:
    """Return why this session is over, or None for one that goes on.

    A technician's idle session goes on, but is locked. One that goes on is noted as used.
    """
    session, now = request.session, time.time()
    idle, age = now - session.get(SEEN, 0.0), now - session.get(SINCE, 0.0)
    shift = settings.TECHNICIAN_SESSION_HOURS * 3600
    # Who it is matters only once something is unusual: no query otherwise.
    if (idle > settings.TECHNICIAN_LOCK_MINUTES * 60 or age > shift) and _is_technician(request):
        if age > shift:
            return EndReason.SHIFT_OVER
        if idle > settings.TECHNICIAN_LOCK_MINUTES * 60:
            session[LOCK.key] = True
    elif idle > settings.IDLE_MINUTES * 60:
        return EndReason.IDLE
    if idle > NOTED_EVERY and not is_poll(request) and LOCK.key not in session:
        note(request)
    return None


def _is_technician(request: HttpRequest) -> bool:
    return isinstance(request.user, Person) and is_technician_only(request.user)


def note(request: HttpRequest) -> None:
    """Keep that the person of this session is there now."""
    now = time.time()
    request.session[SEEN] = now
    if key := request.session.session_key:
        sessions.note_seen(key=key, at=dt.datetime.fromtimestamp(now, dt.UTC))


def begin(request: HttpRequest, person: Person) -> None:
    """Begin a person's session: note the time, and list it with its device."""
    session = request.session
    session.pop(OVER, None)
    session[SINCE] = session[SEEN] = time.time()
    if not session.session_key:
        session.create()
    device = request.META.get("HTTP_USER_AGENT", "")
    sessions.begin(person=person, key=session.session_key or "", device=device)


def _keep_listed(request: HttpRequest, before: str | None) -> None:
    """Keep a session listed that got a new key during this request, as after a new password."""
    key = request.session.session_key
    if before and key and key != before and isinstance(request.user, Person):
        sessions.follow_new_key(person=request.user, before=before, key=key)


def _whole_page(request: HttpRequest) -> HttpResponse | None:
    """Return the answer that makes htmx load the page anew, or None if htmx did not ask."""
    if "HX-Request" not in request.headers:
        return None
    return HttpResponse(status=401, headers={"HX-Refresh": "true"})


def _end(request: HttpRequest, why: EndReason) -> HttpResponse:
    """End the session, and keep in it what the log-in page says, however one gets there."""
    session = request.session
    if isinstance(request.user, Person):
        sessions.ended_by_itself(person=request.user, key=session.session_key or "", why=why)
    session.clear()
    words = WORDS[why] % {
        "minutes": settings.IDLE_MINUTES,
        "hours": settings.TECHNICIAN_SESSION_HOURS,
    }
    session[OVER] = f"{words} {NOT_DONE}" if _is_sent(request) else words
    return _whole_page(request) or redirect(_log_in_for(request))


def _to_log_in(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the way to the log-in, with a word to somebody who was logged in until now."""
    if _was_somebody(request):
        messages.warning(request, f"{ENDED} {NOT_DONE}" if _is_sent(request) else ENDED)
    if part := _whole_page(request):
        return part
    return redirect(_log_in_for(request)) if _is_sent(request) else response


def _is_sent(request: HttpRequest) -> bool:
    """Return True where a person sent something that was to change something."""
    return request.method not in ("GET", "HEAD") and not is_poll(request)


def _log_in_for(request: HttpRequest) -> str:
    return with_next(resolve_url(settings.LOGIN_URL), _page_of(request))


def _page_of(request: HttpRequest) -> str:
    """Return the page a person was on: the one asked for, or the one a form was sent from."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        parts = urlsplit(referer)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
    return "/"


def _asks_to_log_in(response: HttpResponse) -> bool:
    """Return True where a view sent somebody to log in and come back; a log-out does not."""
    target = urlsplit(response.headers.get("Location", ""))
    return target.path == resolve_url(settings.LOGIN_URL) and "next=" in target.query


def _was_somebody(request: HttpRequest) -> bool:
    """Return True where the browser's session, or its person, is no more."""
    known = settings.SESSION_COOKIE_NAME in request.COOKIES
    return known and (not request.session.session_key or SESSION_KEY in request.session)


@login_required
@require_http_methods(["GET", "POST"])
def presence(request: PersonRequest) -> HttpResponse:
    """Answer the seconds until this session ends or locks, in the header ``X-Left``.

    A POST says that somebody is there; the middleware has noted that by then.
    """
    if gate_of(request, LOCK):
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return HttpResponse(status=204, headers={"X-Left": str(seconds_left(request))})


def seconds_left(request: HttpRequest) -> int:
    """Return the seconds until this session ends or locks, if nobody does anything."""
    person = request.user
    technician = isinstance(person, Person) and is_technician_only(person)
    minutes = settings.TECHNICIAN_LOCK_MINUTES if technician else settings.IDLE_MINUTES
    return max(0, int(request.session.get(SEEN, 0.0) + minutes * 60 - time.time()))
