"""Makes the demo's people, sellers and roster from what the running sandbox shows."""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext

from dispatch.models import (
    Membership,
    Person,
    ReasonCode,
    Seller,
    SyncJob,
    Technician,
    TechnicianResource,
)
from dispatch.sandbox.realm import APPLICATION, APPLICATION_SECRET
from dispatch.sandbox.world import CANCELLATION_CODES, RESCHEDULE_CODES
from dispatch.services.mirror import sync

Role = Membership.Role
PEOPLE = (
    ("alice@dispatch.example", "Alice Osei", Role.OWNER),
    ("bob@dispatch.example", "Bob Tanaka", Role.DISPATCHER),
)
NAMES = {"ATVPDKIKX0DER": "Northlight US", "A1PA6795UKMFR9": "Nordlicht DE"}
ZONES = {"ATVPDKIKX0DER": "America/Chicago", "A1PA6795UKMFR9": "Europe/Berlin"}
REASONS = CANCELLATION_CODES | RESCHEDULE_CODES
PATIENCE = 30.0


class Command(BaseCommand):
    help = gettext("Make the demo's people, sellers and technicians. Does nothing the second time.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DISPATCH_DEMO:
            raise CommandError(gettext("DISPATCH_DEMO is off: demo people belong to a demo only."))
        world = _sandbox_state()
        password = _password()
        if not Seller.objects.exists():
            with transaction.atomic():
                _make(world, password)
        self._wait_for_jobs()
        for person in Person.objects.order_by("pk"):
            role = person.memberships.order_by("pk").values_list("role", flat=True).first()
            self.stdout.write(f"  {role or '-':<11} {person.email:<26} {password}")

    def _wait_for_jobs(self) -> None:
        """Wait for the first load, so that a stranger's first look finds the list filled."""
        deadline = time.monotonic() + PATIENCE
        while SyncJob.objects.filter(kind=SyncJob.Kind.FIRST_LOAD, finished_at=None).exists():
            if time.monotonic() > deadline:
                self.stderr.write(
                    gettext("The first load is still going on; the list fills as it comes.")
                )
                return
            time.sleep(0.3)


def _sandbox_state() -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            url = f"{settings.SP_API_ENDPOINT}/_sandbox/state"
            state: dict[str, Any] = requests.get(url, timeout=10).json()
            return state
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise CommandError(gettext("The sandbox does not answer; is it running?")) from None
            time.sleep(0.2)


def _password() -> str:
    """Return the password of all the demo's people; it is made once and kept in a private file."""
    path = settings.VAR_DIR / "demo-password"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"Demo-{secrets.token_urlsafe(9)}-7")
    password: str = path.read_text().strip()
    return password


def _make(world: dict[str, Any], password: str) -> None:
    people = {
        role: Person.objects.create_user(email, password, name=name) for email, name, role in PEOPLE
    }
    for known in world["sellers"]:
        seller = _make_seller(known, people[Role.OWNER])
        for role, person in people.items():
            Membership.objects.create(person=person, seller=seller, role=role)
        _make_roster(seller, [r for r in world["resources"] if _is_of(r, seller)])
        sync.start(seller)
    _make_technician(world, password)


def _make_seller(known: dict[str, Any], owner: Person) -> Seller:
    marketplace = known["marketplaceId"]
    seller = Seller.objects.create(
        owner=owner,
        name=NAMES.get(marketplace, known["name"]),
        marketplace_id=marketplace,
        selling_partner_id=known["sellingPartnerId"],
        application_id="amzn1.sp.solution.sandbox",
        client_id=APPLICATION,
        client_secret=APPLICATION_SECRET,
        refresh_token=known["refreshToken"],
        time_zone=ZONES.get(marketplace, "UTC"),
    )
    codes = (
        (ReasonCode.Kind.CANCEL, known["cancellationReasonCodes"]),
        (ReasonCode.Kind.RESCHEDULE, known["rescheduleReasonCodes"]),
    )
    for kind, listed in codes:
        for position, code in enumerate(listed):
            ReasonCode.objects.create(
                seller=seller,
                marketplace_id=marketplace,
                kind=kind,
                code=code,
                description=REASONS.get(code, ""),
                position=position,
            )
    return seller


def _is_of(resource: dict[str, Any], seller: Seller) -> bool:
    return bool(resource["marketplaceId"] == seller.marketplace_id)


def _make_roster(seller: Seller, resources: list[dict[str, Any]]) -> None:
    for number, resource in enumerate(resources):
        technician = Technician.objects.create(
            seller=seller,
            name=resource["name"],
            skills=resource["skills"],
            colour=number % 6 + 1,
        )
        TechnicianResource.objects.create(
            technician=technician, seller=seller, resource_id=resource["resourceId"]
        )


def _make_technician(world: dict[str, Any], password: str) -> None:
    """Give the busiest technician of the demo's first seller a log-in."""
    busy: dict[str, int] = {}
    for job in world["jobs"]:
        for visit in job.get("appointments", []):
            for one in visit.get("assignedTechnicians", []):
                busy[one["technicianId"]] = busy.get(one["technicianId"], 0) + 1
    first = Seller.objects.order_by("created_at").first()
    ids = TechnicianResource.objects.filter(seller=first).values_list("resource_id", flat=True)
    resource_id = max(ids, key=lambda identity: busy.get(identity, 0))
    technician = Technician.objects.get(resources__resource_id=resource_id, seller=first)
    email = f"{technician.name.split()[0].lower()}@dispatch.example"
    technician.person = Person.objects.create_user(email, password, name=technician.name)
    technician.save(update_fields=["person"])
    Membership.objects.create(
        person=technician.person, seller=technician.seller, role=Role.TECHNICIAN
    )
