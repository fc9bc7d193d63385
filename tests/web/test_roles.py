"""Every address, for every role, read and written: what is answered, and nothing else.

A new address fails this until it has a row. Each row has two words, for GET and for POST, with one
sign a role, in the order of `ROLES`:

``p`` a page · ``L`` to the log-in · ``r`` elsewhere · ``-`` not there (404) · ``f`` forbidden (403)
``m`` not with this method (405) · ``w`` the form is wrong (400, 422)
"""

from __future__ import annotations

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.test import Client

from dispatch.models import (
    AccessReview,
    Alarm,
    Invitation,
    Membership,
    Person,
    SavedView,
    Seller,
    Technician,
    TechnicianResource,
)
from dispatch.services.mirror import store
from tests.conftest import NOW, Amazon, MakeJob
from tests.web.addresses import Address, addresses

pytestmark = pytest.mark.django_db

ROLES = (
    "anonymous", "stranger", "other technician", "technician", "dispatcher", "auditor", "owner",
)  # fmt: skip

EXPECTED: dict[str, tuple[str, str]] = {
    "alarm_acknowledge": ("mmmmmmm", "L-----r"),
    "activity_export": ("L----pp", "mmmmmmm"),
    "activity": ("L----pp", "mmmmmmm"),
    "technician_remove": ("L-----p", "L-----r"),
    "technician": ("L-----p", "L-----p"),
    "technician_add": ("L-----p", "L-----p"),
    "person_remove": ("L-----p", "L-----r"),
    "person_role": ("L-----p", "L-----p"),
    "people": ("Lp----p", "Lmmmmmm"),
    "review_export": ("L-----p", "Lmmmmmm"),
    "review": ("L-----p", "L-----w"),
    "person_lift": ("Lmmmmmm", "L-----r"),
    "person_sessions_end": ("L-----p", "L-----r"),
    "invitation_withdraw": ("L-----p", "L-----r"),
    "person_invite": ("L-----p", "L-----w"),
    "reason_move": ("Lmmmmmm", "L------"),
    "reason_edit": ("L-----p", "L-----p"),
    "reason_add": ("Lmmmmmm", "L-----w"),
    "seller_switches": ("Lmmmmmm", "L-----r"),
    "seller_disconnect": ("L-----p", "L-----r"),
    "seller_progress": ("L-----p", "Lmmmmmm"),
    "seller_test": ("Lmmmmmm", "L-----r"),
    "seller_edit": ("L-----p", "L-----p"),
    "seller": ("L-----p", "Lmmmmmm"),
    "seller_connect": ("Lp----p", "Lp----p"),
    "sellers": ("Lp----p", "Lmmmmmm"),
    "seller_login": ("L------", "L------"),
    "seller_callback": ("Lrrrrrr", "Lmmmmmm"),
    "seller_authorise": ("Lmmmmmm", "L-----r"),
    "mfa_login_webauthn": ("Lrrrrrr", "Lrrrrrr"),
    "mfa_edit_webauthn": ("Lr-rr-r", "Lr-rr-r"),
    "mfa_remove_webauthn": ("Lr-rr-r", "Lr-rr-r"),
    "mfa_reauthenticate_webauthn": ("Lrfrrfr", "Lrfrrfr"),
    "mfa_add_webauthn": ("Lrprrpr", "Lrprrpr"),
    "mfa_list_webauthn": ("Lpppppp", "Lmmmmmm"),
    "mfa_download_recovery_codes": ("L------", "L------"),
    "mfa_generate_recovery_codes": ("Lrprrpr", "Lrprrpr"),
    "mfa_view_recovery_codes": ("L------", "Lmmmmmm"),
    "mfa_deactivate_totp": ("L------", "L------"),
    "mfa_activate_totp": ("Lrprrpr", "Lrprrpr"),
    "mfa_reauthenticate": ("Lrfrrfr", "Lrfrrfr"),
    "mfa_authenticate": ("Lrrrrrr", "Lrrrrrr"),
    "mfa_index": ("Lpppppp", "Lmmmmmm"),
    "account_reset_password_done": ("ppppppp", "mmmmmmm"),
    "account_reset_password_from_key": ("ppppppp", "ppppppp"),
    "account_reset_password_from_key_done": ("ppppppp", "mmmmmmm"),
    "account_confirm_email": ("ppppppp", "-------"),
    "account_confirm_login_code": ("Lrrrrrr", "Lrrrrrr"),
    "account_reset_password": ("ppppppp", "ppppppp"),
    "account_set_password": ("Lrprrpr", "Lrprrpr"),
    "account_change_password": ("Lprpprp", "Lprpprp"),
    "account_email_verification_sent": ("ppppppp", "mmmmmmm"),
    "account_email": ("Lpppppp", "Lwwwwww"),
    "account_reauthenticate": ("Lpfppfp", "Lpfppfp"),
    "account_signup": ("prrrrrr", "prrrrrr"),
    "account_inactive": ("ppppppp", "mmmmmmm"),
    "account_logout": ("Lpppppp", "LLLLLLL"),
    "account_login": ("prrrrrr", "prrrrrr"),
    "invitation_link": ("rrrrrrr", "mmmmmmm"),
    "invitation": ("ppppppp", "wwwwwww"),
    "session_end": ("Lmmmmmm", "L-----r"),
    "sessions_end": ("Lmmmmmm", "Lrrrrrr"),
    "sessions": ("Lpppppp", "Lmmmmmm"),
    "usersessions_list": ("Lpppppp", "Lmmmmmm"),
    "second_factor": ("Lrrrrrr", "Lrrrrrr"),
    "presence": ("Lpppppp", "Lpppppp"),
    "account_theme": ("mmmmmmm", "Lrrrrrr"),
    "account_settings": ("Lpppppp", "Lwwwwww"),
    "job": ("L--pppp", "mmmmmmm"),
    "job_visit": ("L--pppp", "mmmmmmm"),
    "job_cancel": ("L---p-p", "L---w-w"),
    "job_complete": ("L--pp-p", "L--ww-w"),
    "job_assign": ("L---p-p", "L---w-w"),
    "job_reschedule": ("L---p-p", "L---w-w"),
    "job_add_appointment": ("L---p-p", "L---w-w"),
    "job_refresh": ("mmmmmmm", "L--rrrr"),
    "job_changed": ("L--pppp", "mmmmmmm"),
    "view_delete": ("mmmmmmm", "L-----r"),
    "view_save": ("mmmmmmm", "Lrrrrrr"),
    "jobs_export": ("Lpppppp", "mmmmmmm"),
    "jobs_calendar": ("Lpppppp", "mmmmmmm"),
    "jobs_find": ("mmmmmmm", "Lrrrrrr"),
    "jobs_changed": ("Lpppppp", "mmmmmmm"),
    "jobs_refresh": ("mmmmmmm", "Lrrrrrr"),
    "jobs": ("Lpppppp", "mmmmmmm"),
    "home": ("rrrrrrr", "rrrrrrr"),
    "metrics": ("-------", "mmmmmmm"),
    "readyz": ("ppppppp", "mmmmmmm"),
    "healthz": ("ppppppp", "mmmmmmm"),
}

BY_NAME = {address.name: address for address in reversed(addresses())}
"""Where two have a name, the first is the one that answers."""

SIGNS = {200: "p", 204: "p", 304: "p", 302: "r", 303: "r", 403: "f", 404: "-", 405: "m", 400: "w",
         422: "w", 429: "w"}  # fmt: skip


@pytest.fixture
def crowd(
    people: dict[str, Person], seller: Seller, make_job: MakeJob, amazon: Amazon, impatient: None
) -> dict[str, Client]:
    """A client for each role; the job is assigned to the technician, not to the other one."""
    visit = {
        "appointmentId": "APPT-1",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": "2026-11-25T15:00:00Z", "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": "TECH-TOM", "name": "Tom"}],
    }
    job = make_job(serviceJobStatus="NOT_SERVICED", appointments=[visit])
    store.store(seller, [job], fetched_at=NOW)
    amazon.scenario(job)
    made = {"audit": "auditor", "maya": "technician"}
    for name, role in made.items():
        person = Person.objects.create_user(f"{name}@dispatch.example", name=name)
        Membership.objects.create(person=person, seller=seller, role=role)
        people[name] = person
    maya = Technician.objects.get(name="Maya")
    maya.person = people["maya"]
    maya.save()
    assert TechnicianResource.objects.filter(technician=maya).exists()
    SavedView.objects.create(person=people["alice"], name="Hers", query="view=late")
    Invitation.objects.create(email="new@dispatch.example", seller=seller, role="dispatcher")
    AccessReview.objects.create(seller=seller, reviewer=people["alice"], reviewer_name="Alice")
    Alarm.objects.create(key="one", kind=Alarm.Kind.LOG_BROKEN, finding="row 7")
    names = ("charlie", "maya", "tom", "bob", "audit", "alice")
    clients = {role: Client() for role in ROLES}
    for role, name in zip(ROLES[1:], names, strict=True):
        clients[role].force_login(people[name])
    return clients


def parts(seller: Seller) -> dict[str, Any]:
    """Something that is there for every part of an address."""
    return {
        "service_job_id": "JOB-0001",
        "seller_id": seller.pk,
        "membership_id": Membership.objects.get(person__email__startswith="bob").pk,
        "technician_id": Technician.objects.get(name="Luis").pk,
        "reason_id": seller.reason_codes.all()[0].pk,
        "view_id": SavedView.objects.get().pk,
        "kind": "cancel",
        "key": "none",
        "uidb36": "1",
        "token": "none",
        "pk": 1,
        "session_id": UserSession.objects.filter(user__email__startswith="alice")[0].pk,
        "invitation_id": Invitation.objects.get().pk,
        "review_id": AccessReview.objects.get().pk,
        "alarm_id": Alarm.objects.get().pk,
    }


def sign(client: Client, method: str, path: str) -> str:
    cookies = client.cookies.copy()
    before = transaction.savepoint()
    try:
        answer: Any = client.generic(
            method, path, "", content_type="application/x-www-form-urlencoded"
        )
        to_log_in = answer.headers.get("Location", "").startswith("/account/login/")
        return "L" if to_log_in else SIGNS.get(answer.status_code, str(answer.status_code))
    finally:
        transaction.savepoint_rollback(before)
        client.cookies = cookies


def answers(crowd: dict[str, Client], address: Address, seller: Seller) -> tuple[str, str]:
    path = address.path(**parts(seller))
    get, post = (
        "".join(sign(crowd[role], method, path) for role in ROLES) for method in ("GET", "POST")
    )
    return get, post


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert set(BY_NAME) == set(EXPECTED), "add the new address to the table"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_who_may_what(crowd: dict[str, Client], seller: Seller, name: str) -> None:
    address = BY_NAME[name]
    assert answers(crowd, address, seller) == EXPECTED[name], f"{ROLES} at {address.route}"
