"""A seller's years of jobs, made in bulk: what the benchmark of the list is run on."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import json
import random
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, models, transaction

from dispatch.models import (
    UNSCHEDULED,
    JobReference,
    JobWord,
    Membership,
    Person,
    Seller,
    ServiceJob,
    Technician,
    TechnicianResource,
)
from dispatch.models.jobs import month_of
from dispatch.models.keyring import keyring
from dispatch.models.words import phone_words, split_words

US = "ATVPDKIKX0DER"
DAY = 86_400
BEHIND, AHEAD = 730 * DAY, 14 * DAY
STATES = {
    "NY": "America/New_York", "FL": "America/New_York", "OH": "America/New_York",
    "GA": "America/New_York", "TX": "America/Chicago", "IL": "America/Chicago",
    "TN": "America/Chicago", "CO": "America/Denver", "AZ": "America/Phoenix",
    "CA": "America/Los_Angeles", "WA": "America/Los_Angeles", "HI": "Pacific/Honolulu",
}  # fmt: skip
SKILLS = (
    "TV_MOUNTING", "APPLIANCE_INSTALLATION", "FURNITURE_ASSEMBLY", "FITNESS_ASSEMBLY",
    "SMART_HOME", "ELECTRICAL", "PLUMBING", "TYRE_FITTING",
)  # fmt: skip
WORKS = (
    "TV wall mounting", "Dishwasher installation", "Wardrobe assembly", "Treadmill assembly",
    "Smart lock installation", "Ceiling fan installation", "Tap replacement", "Tyre fitting",
)  # fmt: skip
SIZES = ("small", "medium", "large", "up to 65 inches", "set of four", "with removal", "express")
STORES = [f"STORE-{number:02}" for number in range(30)]
RESOURCES = [f"TECH-{number:03}" for number in range(100)]
PAYLOAD = {"text": "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz ", k=2000))}
BUYER = {"name": "Avery Example", "phone": "+1 614 555 0142", "address": PAYLOAD["text"][:160]}


class Names:
    """Made-up names of which a few are everywhere and most are rare, as names are."""

    def __init__(self, rng: random.Random, count: int) -> None:
        parts = [a + b for a in "bcdfghjklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "el")]
        made = {"".join(rng.choices(parts, k=3)).capitalize() for _ in range(count * 2)}
        self.all = sorted(made)[:count]
        rng.shuffle(self.all)
        self._sums = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(self.all))))
        self._rng = rng

    def pick(self) -> str:
        at = bisect.bisect(self._sums, self._rng.random() * self._sums[-1])
        return self.all[min(at, len(self.all) - 1)]


class World:
    """Jobs at a constant rate through two years and two weeks ahead; the same for each seed."""

    def __init__(self, sellers: list[Seller], size: int, now: dt.datetime) -> None:
        self.rng = random.Random(20)
        self.sellers, self.size, self.now = sellers, size, int(now.timestamp())
        self.first, self.last = Names(self.rng, 1500), Names(self.rng, 6000)
        self.cities, self.streets = Names(self.rng, 300), Names(self.rng, 2000)
        self._zones = {state: ZoneInfo(zone) for state, zone in STATES.items()}
        self._ring, self._known = keyring(), dict[tuple[uuid.UUID, str], int]()

    def jobs(self) -> Iterator[Made]:
        """Each job with its references and the hashes of its words."""
        for number in range(self.size):
            yield self._job(number)

    def _job(self, number: int) -> Made:
        rng = self.rng
        at = self.now - BEHIND + int((BEHIND + AHEAD) * (number + rng.random()) / self.size)
        start = at - at % 900
        status, planned, active = self._fate(start)
        state = rng.choice(list(STATES))
        work = rng.randrange(len(WORKS))
        people = rng.sample(range(100), 1 + (rng.random() < 0.2)) if planned else []
        created = (
            start - rng.randint(1, 14) * DAY if planned else self.now - rng.randint(0, 20 * DAY)
        )
        moment = _moment(start)
        asin = f"B0SV{work:02}{rng.randrange(200):04}"
        row = {
            "id": number + 1,
            "service_job_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "service_order_id": self._order(),
            "status": status,
            "store_id": rng.choice(STORES),
            "asin": asin,
            "title": f"{WORKS[work]}, {rng.choice(SIZES)}",
            "city": self.cities.pick(),
            "state_or_region": state,
            "time_zone": STATES[state],
            "created_at": _moment(created),
            "created_key": _moment(created),
            "created_month": month_of(_moment(created)),
            "appointment_status": "ACTIVE" if active else "COMPLETED" if planned else "",
            "scheduled_start": moment if planned else None,
            "scheduled_end": _moment(start + 7200) if planned else None,
            "scheduled_key": start if planned else UNSCHEDULED,
            "local_date": moment.astimezone(self._zones[state]).date() if planned else None,
            "technician_count": len(people),
            "technician_names": ", ".join(f"Technician {one:03}" for one in sorted(people)),
            "fetched_at": _moment(min(start + DAY, self.now)),
            "changed_at": _moment(min(start + DAY, self.now)),
            "changed_month": month_of(_moment(min(start + DAY, self.now))),
        }
        references = [
            ("asin", asin), ("skill", SKILLS[work]), ("order", self._order()),
            ("tracking", f"1Z{rng.getrandbits(60):015X}"),
            *(("resource", RESOURCES[one]) for one in people),
        ]  # fmt: skip
        seller = self.sellers[number % len(self.sellers)].pk
        words = self._words(row, references)
        return seller, row, references, {self._hash_of(seller, word) for word in words}

    def _fate(self, start: int) -> tuple[str, bool, bool]:
        """Status, whether it has an appointment, and whether that is still to be kept."""
        luck = self.rng.random()
        if luck < 0.03:
            return ("PENDING_SCHEDULE" if luck < 0.025 else "HOLD"), False, False
        if start > self.now:
            return ("NOT_SERVICED" if luck < 0.95 else "HOLD"), True, True
        if luck < 0.031:
            return "NOT_SERVICED", True, True
        ends = (("CANCELLED", 0.10), ("NOT_FULFILLABLE", 0.115), ("PAYMENT_DECLINED", 0.13))
        return next((name for name, below in ends if luck < below), "COMPLETED"), True, False

    def _words(self, row: dict[str, Any], references: list[tuple[str, str]]) -> set[str]:
        rng = self.rng
        street = f"{rng.randint(1, 9999)} {self.streets.pick()} street"
        texts = (row["title"], self.first.pick(), self.last.pick(), street, row["city"],
                 row["state_or_region"], f"{rng.randint(10_000, 99_999)}")  # fmt: skip
        ids = (row["service_job_id"], row["service_order_id"], references[2][1], references[3][1])
        words = {*split_words(" ".join(texts)), *(one.casefold() for one in ids)}
        return words | phone_words(f"+1 {rng.randint(200, 999)} 555 {rng.randint(0, 9999):04}")

    def _order(self) -> str:
        rng = self.rng
        return f"{rng.randint(100, 399)}-{rng.getrandbits(23):07}-{rng.getrandbits(23):07}"

    def _hash_of(self, seller: uuid.UUID, word: str) -> int:
        """A word's hash; those of words that come again are remembered."""
        known = self._known.get((seller, word))
        if known is None:
            known = self._ring.word_hashes(word, str(seller))[0]
            if word.isalpha():
                self._known[seller, word] = known
        return known


Made = tuple[uuid.UUID, dict[str, Any], list[tuple[str, str]], set[int]]


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def cast(sellers: int) -> tuple[Person, Person, list[Seller]]:
    """Somebody who dispatches for all sellers, one of their technicians, and the sellers."""
    owner = Person.objects.create_user("owner@bench.example", "owner-of-all-benches", name="Owner")
    bob = Person.objects.create_user("bob@bench.example", "bench-password-1", name="Bob")
    tom = Person.objects.create_user("tom@bench.example", "bench-password-2", name="Tom")
    made = [
        Seller.objects.create(
            owner=owner, name=f"Seller {n:02}", marketplace_id=US, time_zone="America/Chicago",
            state=Seller.State.CONNECTED,
        )
        for n in range(sellers)
    ]  # fmt: skip
    for seller in made:
        Membership.objects.create(person=bob, seller=seller, role="dispatcher")
        for number, resource in enumerate(RESOURCES):
            roster = Technician.objects.create(
                seller=seller, name=f"Technician {number:03}", person=None if number else tom
            )
            TechnicianResource.objects.create(
                technician=roster, seller=seller, resource_id=resource
            )
    Membership.objects.create(person=tom, seller=made[0], role="technician")
    return bob, tom, made


def fill(world: World) -> None:
    """Write a world's jobs: first the rows, then the indexes, then what autovacuum would do."""
    kept = (ServiceJob, JobReference, JobWord)
    with connection.schema_editor() as editor:
        for model in kept:
            for index in model._meta.indexes:
                editor.remove_index(model, index)
    # Foreign keys are right by construction; checking twenty million takes minutes.
    _tell("PRAGMA foreign_keys = OFF", "SET session_replication_role = replica")
    _tell("PRAGMA cache_size = -500000", "SET maintenance_work_mem = '1GB'")
    same = {seller.pk: _same_for(seller) for seller in world.sellers}
    jobs = world.jobs()
    while batch := list(itertools.islice(jobs, 20_000)):
        _write(batch, same)
    with connection.schema_editor() as editor:
        for model in kept:
            for index in model._meta.indexes:
                editor.add_index(model, index)
    _tell("", "SELECT setval(pg_get_serial_sequence('dispatch_servicejob', 'id'), max(id))"
              " FROM dispatch_servicejob")  # fmt: skip
    # What the database does by itself in the hours after such a load.
    _tell("", "VACUUM ANALYZE")
    _tell("", "CHECKPOINT")


def _tell(sqlite: str, postgres: str) -> None:
    statement = sqlite if connection.vendor == "sqlite" else postgres
    with connection.cursor() as cursor:
        if statement:
            cursor.execute(statement)


def _same_for(seller: Seller) -> dict[str, Any]:
    """The columns that are the same in all jobs of a seller: lists never open what is sealed."""
    sealed = {
        name: keyring().seal(json.dumps(value), f"dispatch.ServiceJob.{name}:{seller.pk}")
        for name, value in (("buyer", BUYER), ("payload", PAYLOAD))
    }
    defaults = {
        field.column: None if field.null else field.get_default()
        for field in ServiceJob._meta.concrete_fields
    }
    return {
        **defaults,
        **sealed,
        "seller_id": ServiceJob._meta.get_field("seller").get_db_prep_value(seller.pk, connection),
        "marketplace_id": US, "country_code": "US", "quantity": 1, "location_type": "IN_HOME",
        "appointment_id": "A", "preferred_times": "[]", "digest": "d" * 64,
    }  # fmt: skip


@transaction.atomic
def _write(batch: list[Made], same: dict[uuid.UUID, dict[str, Any]]) -> None:
    columns = [field.column for field in ServiceJob._meta.concrete_fields]
    moments = [
        field.column for field in ServiceJob._meta.concrete_fields
        if isinstance(field, models.DateTimeField)
    ]  # fmt: skip
    as_kept = connection.ops.adapt_datetimefield_value
    for seller, row, _, _ in batch:
        row |= same[seller] | row
        row |= {name: as_kept(row[name]) for name in moments}
    _insert(ServiceJob, columns, ([row[name] for name in columns] for _, row, _, _ in batch))
    _insert(
        JobReference,
        ["job_id", "seller_id", "kind", "value", "status", "scheduled_key"],
        (
            (row["id"], row["seller_id"], kind, value, row["status"], row["scheduled_key"])
            for _, row, references, _ in batch
            for kind, value in references
        ),
    )
    _insert(
        JobWord,
        ["job_id", "word_hash", "status", "scheduled_key"],
        (
            (row["id"], one, row["status"], row["scheduled_key"])
            for _, row, _, words in batch
            for one in words
        ),
    )


def _insert(model: type[models.Model], columns: list[str], rows: Iterable[Any]) -> None:
    table, names = f'"{model._meta.db_table}"', ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
