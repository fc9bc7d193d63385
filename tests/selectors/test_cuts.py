"""Lists read from index ranges are the lists a plain query gives, whatever is asked of them."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.models import (
    UNSCHEDULED,
    JobReference,
    JobWord,
    Person,
    Seller,
    ServiceJob,
)
from dispatch.models.keyring import keyring
from dispatch.selectors import cuts, pages
from dispatch.selectors.cuts import (
    Condition,
    Cut,
    OneOf,
    Refers,
    Says,
    Scope,
    Where,
    Within,
    word_of,
)
from dispatch.selectors.jobs import QUICK_VIEWS, on_days, search
from dispatch.selectors.known import Known
from dispatch.selectors.pages import Count, Order, count, counts, every, page
from tests.conftest import NOW, US

pytestmark = [pytest.mark.django_db, pytest.mark.database]
STATUSES = ("PENDING_SCHEDULE", "NOT_SERVICED", "COMPLETED", "SOMETHING_NEW")
WORDS = ("tv", "mounting", "jordan", "dublin")
ZONES = ("America/New_York", "Pacific/Honolulu")
TODAY = NOW.date()
Kind = JobReference.Kind
SORTS = (
    "scheduled_key", "title", "status", "technician_names", "city", "created_key", "changed_at",
)  # fmt: skip


@pytest.fixture
def sellers(seller: Seller, alice: Person) -> list[Seller]:
    others = [
        Seller.objects.create(owner=alice, name=name, marketplace_id=US) for name in ("B", "C")
    ]
    return [seller, *others]


@pytest.fixture
def world(sellers: list[Seller]) -> list[Seller]:
    """Sixty jobs in every mixture of status, place and time, a third of them without a time."""
    made = ServiceJob.objects.bulk_create(_job(sellers, number) for number in range(60))
    references, words = [], []
    for job in made:
        number = int(job.service_job_id[4:])
        row = {"job": job, "status": job.status, "scheduled_key": job.scheduled_key}
        skills = [(Kind.SKILL, value) for value in {f"S{number % 2}", f"S{number % 5}"}]
        references += [
            JobReference(seller=job.seller, kind=kind, value=value, **row)  # type: ignore[arg-type]
            for kind, value in [*skills, (Kind.RESOURCE, f"TECH-{number % 4}")]
        ]
        for nth, word in enumerate(WORDS):
            if number % (nth + 2) == 0:
                [hashed] = keyring().word_hashes(word, str(job.seller.pk))
                words.append(JobWord(word_hash=hashed, **row))  # type: ignore[arg-type]
    JobReference.objects.bulk_create(references)
    JobWord.objects.bulk_create(words)
    return sellers


def _job(sellers: list[Seller], number: int) -> ServiceJob:
    moment = NOW + dt.timedelta(hours=7 * (number % 13) - 40)
    planned = number % 3 > 0
    return ServiceJob(
        seller=sellers[number % 3],
        service_job_id=f"JOB-{number:02}",
        service_order_id=f"11{number % 7}-5",
        status=STATUSES[number % 4],
        store_id=f"STORE-{number % 5}" if number % 4 else "",
        title="äÄaA b"[number % 6],
        city=("Dublin", "Kent", "")[number % 3],
        technician_names=("Tom", "", "Maya, Tom")[number % 3],
        time_zone=ZONES[number % 2],
        created_at=moment,
        created_key=moment - dt.timedelta(days=20 * (number % 5)),
        appointment_status="ACTIVE" if number % 5 else "",
        scheduled_start=moment if planned else None,
        scheduled_end=moment + dt.timedelta(hours=1) if planned else None,
        scheduled_key=int(moment.timestamp()) if planned else UNSCHEDULED,
        local_date=moment.date() if planned else None,
        digest="",
        fetched_at=NOW,
        changed_at=NOW + dt.timedelta(days=15 * (number % 4)),
    )


@dataclass(frozen=True)
class Typed:
    """Phrases of plain words, which are hashed once their sellers are known."""

    phrases: tuple[tuple[str, ...], ...]

    def said(self, sellers: list[Seller]) -> Says:
        keys = [seller.pk for seller in sellers]
        return Says(tuple(tuple(word_of(word, keys) for word in one) for one in self.phrases))


MOMENTS = st.integers(-60, 60).map(lambda hours: NOW + dt.timedelta(hours=hours))
DAYS = st.integers(-100, 70).map(lambda days: NOW + dt.timedelta(days=days))
SECONDS = MOMENTS.map(lambda moment: int(moment.timestamp()))


def _span(column: str, values: Any) -> Any:
    return st.builds(Within, st.just(column), st.none() | values, st.none() | values)


def _some(values: tuple[str, ...]) -> Any:
    return st.lists(st.sampled_from(values), max_size=3, unique=True)


ID_SETS = st.frozensets(st.sampled_from([f"STORE-{n}" for n in range(6)]), max_size=3)
PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True).map(tuple)
CONDITIONS: Any = st.one_of(
    _span("scheduled_key", SECONDS),
    _span("created_key", DAYS),
    _span("changed_at", DAYS),
    st.builds(OneOf, st.just("store_id"), ID_SETS),
    st.builds(OneOf, st.just("marketplace_id"), st.just(frozenset({""}))),
    st.builds(OneOf, st.just("service_order_id"), st.just(frozenset({"112-5", "113-5"}))),
    st.builds(Refers, st.just(Kind.SKILL), _some(("S0", "S1", "S3", "none")).map(tuple)),
    st.builds(Typed, st.lists(PHRASES, max_size=2, unique=True).map(tuple)),
    st.sampled_from([Where(Q(appointment_status="ACTIVE")), Where(~Q(city="Kent"))]),
    st.sampled_from([on_days(TODAY, None)[1], on_days(None, TODAY)[0]]),
)
CUTS = st.tuples(
    st.none() | st.frozensets(st.sampled_from(STATUSES), max_size=3),
    st.lists(CONDITIONS, max_size=3),
    st.sets(st.integers(0, 2), max_size=3),
    st.none() | _some(("TECH-1", "TECH-2")),
)
ORDERS = st.builds(Order, st.sampled_from(SORTS), st.booleans())
BOUNDS = st.sampled_from([(0, 200), (3, 200), (1000, 200), (1000, 1)])
STEPS = st.sampled_from([0, 100])
"""Whether links are looked up by their own key or in the order of the list."""
SLOW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def built(sellers: list[Seller], asked: Any) -> Cut:
    """The cut of an example: some sellers wholly, the last one as its technician."""
    statuses, conditions, chosen, resources = asked
    known = Known(statuses=STATUSES, zones=ZONES)
    scopes = [Scope(tuple(sellers[n].pk for n in sorted(chosen & {0, 1})), known=known)]
    if 2 in chosen:
        own = None if resources is None else tuple(resources)
        scopes.append(Scope((sellers[2].pk,), own, known))
    asked_for = [one.said(sellers) if isinstance(one, Typed) else one for one in conditions]
    cut = Cut(tuple(scope for scope in scopes if scope.sellers), conditions=tuple(asked_for))
    return cut if statuses is None else cut.with_status(statuses)


def plain(cut: Cut, order: Order) -> list[int]:
    sign = "-" if order.descending else ""
    return list(cut.rows().order_by(sign + order.column, sign + "pk").values_list("pk", flat=True))


@SLOW
@given(asked=CUTS, order=ORDERS, size=st.integers(1, 9), bounds=BOUNDS, steps=STEPS)
def test_pages_are_the_plain_list(
    world: list[Seller], asked: Any, order: Order, size: int, bounds: tuple[int, int], steps: int
) -> None:
    cut = built(world, asked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cuts, "MOST_STEPS", steps)
        for name, value in zip(("FEW", "MOST_RANGES"), bounds, strict=True):
            patched.setattr(pages, name, value)
        patched.setattr(pages, "FEW_IN_TIME", bounds[0])
        assert [job.pk for job in every(cut, order, size)] == plain(cut, order)


@SLOW
@given(asked=CUTS, order=ORDERS, size=st.integers(1, 9))
def test_pages_lead_back_as_they_came(
    world: list[Seller], asked: Any, order: Order, size: int
) -> None:
    cut = built(world, asked)
    shown = [page(cut, order, "", size)]
    while shown[-1].next:
        shown.append(page(cut, order, shown[-1].next, size))
    for before, after in itertools.pairwise(shown):
        assert page(cut, order, after.previous, size).rows == before.rows


@SLOW
@given(asked=CUTS, bound=st.integers(1, 80), leads=st.sampled_from([2, 1000]), steps=STEPS)
def test_counts_are_right_to_the_bound(
    world: list[Seller], asked: Any, bound: int, leads: int, steps: int
) -> None:
    cut = built(world, asked)
    pages._sizes.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cuts, "MOST_STEPS", steps)
        patched.setattr(pages, "COUNT_BOUND", bound)
        patched.setattr(pages, "LEAD_BOUND", leads)
        there = cut.rows().count()
        assert count(cut) == Count(min(there, bound), more=there > bound)


@SLOW
@given(asked=CUTS, look_ups=st.integers(1, 20))
def test_a_count_says_whether_it_looked_at_all(
    world: list[Seller], asked: Any, look_ups: int
) -> None:
    cut = built(world, asked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "LOOK_UPS", look_ups)
        counted, there = count(cut), cut.rows().count()
    assert counted.number <= there if counted.more else counted == Count(there)


@pytest.mark.parametrize("view", QUICK_VIEWS, ids=lambda view: view.slug)
@pytest.mark.parametrize("column", SORTS)
def test_each_quick_view_in_each_order(world: list[Seller], view: Any, column: str) -> None:
    cut = view.apply(built(world, (None, [], {0, 1, 2}, ["TECH-2"])), NOW)
    for order in (Order(column), Order(column, descending=True)):
        assert [job.pk for job in every(cut, order, 4)] == plain(cut, order)
    assert count(cut) == Count(len(plain(cut, Order(column))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("JOB-0", [f"JOB-0{n}" for n in range(10) if n % 3 != 2]),
        ("job-0", [f"JOB-0{n}" for n in range(10) if n % 3 != 2]),
        ("JOB-01", ["JOB-01"]),
        ("OB-01", []),
        ("JOB-01 jordan", []),
        ("JOB-04 jordan", ["JOB-04"]),
        ("jordan dublin", ["JOB-00", "JOB-40"]),
        ("jordan-dublin", ["JOB-00", "JOB-40"]),
        ("%", []),
        ("\U0010ffff", []),
    ],
)
def test_ids_are_found_from_their_beginning_and_words_whole(
    world: list[Seller], text: str, expected: list[str]
) -> None:
    cut = search(built(world, (None, [], {0, 1}, None)), text)
    assert sorted(job.service_job_id for job in every(cut, Order("scheduled_key"))) == expected


def test_of_too_many_ids_that_begin_alike_the_first_are_taken(
    world: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.selectors.jobs.MOST_IDS", 5)
    cut = search(built(world, (None, [], {0}, None)), "JOB")
    assert [job.service_job_id for job in every(cut, Order("scheduled_key"))] != []
    assert count(cut) == Count(5)


def test_an_order_id_is_found_from_its_beginning(world: list[Seller]) -> None:
    cut = search(built(world, (None, [], {0, 1, 2}, None)), "113-")
    assert {job.service_order_id for job in every(cut, Order("title"))} == {"113-5"}


def test_words_are_not_asked_of_a_seller_one_does_not_see(world: list[Seller]) -> None:
    mine = built(world, (None, [], {0}, None))
    for text in ("tv", "JOB", "110-5"):
        found = every(search(mine, text), Order("title"))
        assert {job.seller_id for job in found} == {world[0].pk}


@pytest.mark.parametrize("text", ["JOB", "tv", "tv dublin", "JOB-0 tv"])
def test_a_seller_chosen_after_the_search_is_the_only_one(world: list[Seller], text: str) -> None:
    everywhere = search(built(world, (None, [], {0, 1}, None)), text)
    chosen = everywhere.of_sellers([world[1].pk])
    assert {job.seller_id for job in every(everywhere, Order("title"))} != {world[1].pk}
    assert {job.seller_id for job in every(chosen, Order("title"))} == {world[1].pk}
    assert count(chosen) == Count(chosen.rows().count())


def test_a_condition_says_the_same_wherever_it_is_asked(world: list[Seller]) -> None:
    """Each can be what a list is led by, and what is asked of another lead's rows."""
    says = Typed((("tv",), ("mounting",))).said(world)
    both: list[Condition] = [Refers(Kind.SKILL, ("S0", "S1")), says]
    ways = [both, both[::-1]]
    found = [built(world, (None, way, {0, 1, 2}, None)) for way in ways]
    assert plain(found[0], Order("title")) == plain(found[1], Order("title")) != []
    assert counts(found) == [Count(len(plain(found[0], Order("title"))))] * 2


@pytest.mark.parametrize(("bound", "led_by"), [(1000, "value"), (5, "status")])
def test_many_jobs_are_met_in_order_rather_than_sorted(
    world: list[Seller], monkeypatch: pytest.MonkeyPatch, bound: int, led_by: str
) -> None:
    for name in ("FEW_IN_TIME", "LEAD_BOUND"):
        monkeypatch.setattr(pages, name, bound)
    cut = built(world, (None, [Refers(Kind.SKILL, ("S0",))], {0}, None))
    [strand] = pages._lead_to_page(cut, cut.scopes[0], "created_key").strands
    assert list(strand.split)[-1] == led_by


def test_a_long_span_is_met_month_by_month(
    world: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "FEW", 1)
    spans = [
        Within("created_key", NOW - dt.timedelta(days=50), None),
        Within("created_key", None, NOW - dt.timedelta(days=10)),
    ]
    cut = built(world, (None, spans, {0}, None))
    [strand] = pages._lead_to_page(cut, cut.scopes[0], "scheduled_key").strands
    assert strand.split["created_month"] == [202610, 202611]


def test_no_month_is_left_out(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of jobs from the most different times."""
    monkeypatch.setattr(pages, "FEW", 1)
    made = [_job([seller] * 3, number) for number in range(250)]
    for number, job in enumerate(made):
        job.created_key = dt.datetime(1990 + number // 12, 1 + number % 12, 1, tzinfo=dt.UTC)
    ServiceJob.objects.bulk_create(made)
    span = Within("created_key", dt.datetime(1990, 2, 1, tzinfo=dt.UTC), None)
    cut = built([seller] * 3, (None, [span], {0}, None))
    assert len(list(every(cut, Order("scheduled_key"), 100))) == 249


def test_a_search_that_is_remembered_does_not_say_what_was_typed(world: list[Seller]) -> None:
    cut = search(built(world, (None, [], {0, 1, 2}, None)), "Jordan mounting")
    assert "jordan" not in repr(cut).casefold()
