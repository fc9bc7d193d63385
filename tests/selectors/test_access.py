"""What a person may see: every read begins here."""

from __future__ import annotations

import pytest

from dispatch.models import Membership, Person, Seller, ServiceJob, Technician, TechnicianResource
from dispatch.selectors.access import DISPATCHES, job_query_for, jobs_for, role_for, sellers_for
from dispatch.selectors.listing.paging import Order, all_jobs
from dispatch.services.mirror import store
from tests.conftest import NOW, US, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def assigned(*resource_ids: str, status: str = "ACTIVE") -> list[dict[str, object]]:
    technicians = [{"technicianId": one, "name": one} for one in resource_ids]
    time = {"startTime": "2026-11-25T15:00:00Z", "durationInMinutes": 60}
    return [
        {
            "appointmentId": "A",
            "appointmentStatus": status,
            "appointmentTime": time,
            "assignedTechnicians": technicians,
        }
    ]


@pytest.fixture
def jobs(seller: Seller, make_job: MakeJob) -> None:
    store.store(
        seller,
        [
            make_job("TOMS", appointments=assigned("TECH-TOM")),
            make_job("BOTH", appointments=assigned("TECH-MAYA", "TECH-TOM")),
            make_job("MAYAS", appointments=assigned("TECH-MAYA")),
            make_job("NOBODYS"),
        ],
        fetched_at=NOW,
    )


def seen(person: Person) -> list[str]:
    """What a person's list shows; a job by itself is seen by the same people."""
    listed = sorted(
        job.service_job_id for job in all_jobs(job_query_for(person), Order("scheduled_key"))
    )
    assert listed == sorted(jobs_for(person).values_list("service_job_id", flat=True))
    return listed


ALL = ["BOTH", "MAYAS", "NOBODYS", "TOMS"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("alice", ALL), ("bob", ALL), ("tom", ["BOTH", "TOMS"]), ("charlie", [])],
)
def test_each_sees_what_is_theirs(
    jobs: None, people: dict[str, Person], name: str, expected: list[str]
) -> None:
    assert seen(people[name]) == expected


def test_an_auditor_sees_all(jobs: None, seller: Seller, charlie: Person) -> None:
    Membership.objects.create(person=charlie, seller=seller, role="auditor")
    assert seen(charlie) == ALL
    assert not sellers_for(charlie, DISPATCHES)


def test_a_technician_with_two_resource_ids_sees_the_jobs_of_both(
    jobs: None, seller: Seller, tom: Person
) -> None:
    TechnicianResource.objects.filter(resource_id="TECH-MAYA").update(
        technician=Technician.objects.get(name="Tom")
    )
    assert seen(tom) == ["BOTH", "MAYAS", "TOMS"]


def test_a_technician_who_left_sees_nothing(jobs: None, tom: Person) -> None:
    Technician.objects.filter(person=tom).update(active=False)
    assert seen(tom) == []


def test_a_technician_taken_off_a_job_no_longer_sees_it(
    jobs: None, seller: Seller, tom: Person, make_job: MakeJob
) -> None:
    store.store(seller, [make_job("TOMS", appointments=assigned("TECH-MAYA"))], fetched_at=NOW)
    assert seen(tom) == ["BOTH"]


def test_the_same_resource_id_of_another_seller_opens_nothing(
    jobs: None, people: dict[str, Person], make_job: MakeJob
) -> None:
    other = Seller.objects.create(owner=people["charlie"], name="Other", marketplace_id=US)
    Membership.objects.create(person=people["tom"], seller=other, role="technician")
    store.store(other, [make_job("OTHER", appointments=assigned("TECH-TOM"))], fetched_at=NOW)
    assert seen(people["tom"]) == ["BOTH", "TOMS"]


def test_roles_of_two_sellers_are_kept_apart(
    jobs: None, people: dict[str, Person], make_job: MakeJob
) -> None:
    other = Seller.objects.create(owner=people["tom"], name="Other", marketplace_id=US)
    Membership.objects.create(person=people["tom"], seller=other, role="owner")
    store.store(other, [make_job("OTHER")], fetched_at=NOW)
    assert seen(people["tom"]) == ["BOTH", "OTHER", "TOMS"]
    assert role_for(people["tom"], other) == "owner"
    assert role_for(people["alice"], other) is None


def test_nobody_sees_a_job_twice(jobs: None, tom: Person, seller: Seller) -> None:
    toms = Technician.objects.get(name="Tom")
    for number in range(3):
        TechnicianResource.objects.create(
            technician=toms, seller=seller, resource_id=f"TECH-{number}"
        )
    assert len(seen(tom)) == len(set(seen(tom)))
    assert ServiceJob.objects.count() == 4
