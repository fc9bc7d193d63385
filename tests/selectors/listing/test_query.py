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
from dispatch.selectors.listing import access_paths, conditions, counting, planner
from dispatch.selectors.listing.conditions import (
    Between,
    Condition,
    HasReference,
    HasWords,
    OneOf,
    Unindexed,
    hashed_word,
)
from dispatch.selectors.listing.counting import Count, count, count_each
from dispatch.selectors.listing.facets import Facets
from dispatch.selectors.listing.paging import Order, all_jobs, page
from dispatch.selectors.listing.query import JobQuery, Scope
from dispatch.selectors.quick_views import QUICK_VIEWS, on_days
from dispatch.selectors.search import search
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

    def hashed(self, sellers: list[Seller]) -> HasWords:
        keys = [seller.pk for seller in sellers]
        return HasWords(
            tuple(tuple(hashed_word(word, keys) for word in one) for one in self.phrases)
        )


MOMENTS = st.integers(-60, 60).map(lambda hours: NOW + dt.timedelta(hours=hours))
DAYS = st.integers(-100, 70).map(lambda days: NOW + dt.timedelta(days=days))
SECONDS = MOMENTS.map(lambda moment: int(moment.timestamp()))


def _span(column: str, values: Any) -> Any:
    return st.builds(Between, st.just(column), st.none() | values, st.none() | values)


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
    st.builds(HasReference, st.just(Kind.SKILL), _some(("S0", "S1", "S3", "none")).map(tuple)),
    st.builds(Typed, st.lists(PHRASES, max_size=2, unique=True).map(tuple)),
    st.sampled_from([Unindexed(Q(appointment_status="ACTIVE")), Unindexed(~Q(city="Kent"))]),
    st.sampled_from([on_days(TODAY, None)[1], on_days(None, TODAY)[0]]),
)
QUERIES = st.tuples(
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


def built(sellers: list[Seller], asked: Any) -> JobQuery:
    """The query of an example: some sellers wholly, the last one as its technician."""
    statuses, wanted, chosen, resources = asked
    facets = Facets(statuses=STATUSES, zones=ZONES)
    scopes = [Scope(tuple(sellers[n].pk for n in sorted(chosen & {0, 1})), facets=facets)]
    if 2 in chosen:
        own = None if resources is None else tuple(resources)
        scopes.append(Scope((sellers[2].pk,), own, facets))
    asked_for = [one.hashed(sellers) if isinstance(one, Typed) else one for one in wanted]
    query = JobQuery(tuple(scope for scope in scopes if scope.sellers), conditions=tuple(asked_for))
    return query if statuses is None else query.only_statuses(statuses)


def plain(query: JobQuery, order: Order) -> list[int]:
    sign = "-" if order.descending else ""
    return list(
        query.unordered().order_by(sign + order.column, sign + "pk").values_list("pk", flat=True)
    )


@SLOW
@given(asked=QUERIES, order=ORDERS, size=st.integers(1, 9), bounds=BOUNDS, steps=STEPS)
def test_pages_are_the_plain_list(
    world: list[Seller], asked: Any, order: Order, size: int, bounds: tuple[int, int], steps: int
) -> None:
    query = built(world, asked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conditions, "MAX_CORRELATED_SEEKS", steps)
        patched.setattr(access_paths, "MAX_RANGES", bounds[1])
        for name in ("MAX_SORT", "MAX_SORT_BY_TIME"):
            patched.setattr(planner, name, bounds[0])
        assert [job.pk for job in all_jobs(query, order, size)] == plain(query, order)


@SLOW
@given(asked=QUERIES, order=ORDERS, size=st.integers(1, 9))
def test_pages_lead_back_as_they_came(
    world: list[Seller], asked: Any, order: Order, size: int
) -> None:
    query = built(world, asked)
    shown = [page(query, order, "", size)]
    while shown[-1].next:
        shown.append(page(query, order, shown[-1].next, size))
    for before, after in itertools.pairwise(shown):
        assert page(query, order, after.previous, size).rows == before.rows


@SLOW
@given(asked=QUERIES, bound=st.integers(1, 80), estimates=st.sampled_from([2, 1000]), steps=STEPS)
def test_counts_are_right_to_the_bound(
    world: list[Seller], asked: Any, bound: int, estimates: int, steps: int
) -> None:
    query = built(world, asked)
    planner._sizes.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conditions, "MAX_CORRELATED_SEEKS", steps)
        patched.setattr(counting, "COUNT_BOUND", bound)
        patched.setattr(planner, "ESTIMATE_BOUND", estimates)
        there = query.unordered().count()
        assert count(query) == Count(min(there, bound), more=there > bound)


@SLOW
@given(asked=QUERIES, lookups=st.integers(1, 20))
def test_a_count_says_whether_it_looked_at_all(
    world: list[Seller], asked: Any, lookups: int
) -> None:
    query = built(world, asked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counting, "MAX_LOOKUPS", lookups)
        counted, there = count(query), query.unordered().count()
    assert counted.number <= there if counted.more else counted == Count(there)


@pytest.mark.parametrize("view", QUICK_VIEWS, ids=lambda view: view.slug)
@pytest.mark.parametrize("column", SORTS)
def test_each_quick_view_in_each_order(world: list[Seller], view: Any, column: str) -> None:
    query = view.apply(built(world, (None, [], {0, 1, 2}, ["TECH-2"])), NOW)
    for order in (Order(column), Order(column, descending=True)):
        assert [job.pk for job in all_jobs(query, order, 4)] == plain(query, order)
    assert count(query) == Count(len(plain(query, Order(column))))


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
    query = search(built(world, (None, [], {0, 1}, None)), text)
    assert sorted(job.service_job_id for job in all_jobs(query, Order("scheduled_key"))) == expected


def test_of_too_many_ids_that_begin_alike_the_first_are_taken(
    world: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.selectors.search.MOST_IDS", 5)
    query = search(built(world, (None, [], {0}, None)), "JOB")
    assert [job.service_job_id for job in all_jobs(query, Order("scheduled_key"))] != []
    assert count(query) == Count(5)


def test_an_order_id_is_found_from_its_beginning(world: list[Seller]) -> None:
    query = search(built(world, (None, [], {0, 1, 2}, None)), "113-")
    assert {job.service_order_id for job in all_jobs(query, Order("title"))} == {"113-5"}


def test_words_are_not_asked_of_a_seller_one_does_not_see(world: list[Seller]) -> None:
    mine = built(world, (None, [], {0}, None))
    for text in ("tv", "JOB", "110-5"):
        found = all_jobs(search(mine, text), Order("title"))
        assert {job.seller_id for job in found} == {world[0].pk}


@pytest.mark.parametrize("text", ["JOB", "tv", "tv dublin", "JOB-0 tv"])
def test_a_seller_chosen_after_the_search_is_the_only_one(world: list[Seller], text: str) -> None:
    everywhere = search(built(world, (None, [], {0, 1}, None)), text)
    chosen = everywhere.only_sellers([world[1].pk])
    assert {job.seller_id for job in all_jobs(everywhere, Order("title"))} != {world[1].pk}
    assert {job.seller_id for job in all_jobs(chosen, Order("title"))} == {world[1].pk}
    assert count(chosen) == Count(chosen.unordered().count())


def test_a_condition_says_the_same_wherever_it_is_asked(world: list[Seller]) -> None:
    """Each can be the access path, and the residual that is asked of another path's rows."""
    says = Typed((("tv",), ("mounting",))).hashed(world)
    both: list[Condition] = [HasReference(Kind.SKILL, ("S0", "S1")), says]
    ways = [both, both[::-1]]
    found = [built(world, (None, way, {0, 1, 2}, None)) for way in ways]
    assert plain(found[0], Order("title")) == plain(found[1], Order("title")) != []
    assert count_each(found) == [Count(len(plain(found[0], Order("title"))))] * 2


@pytest.mark.parametrize(("bound", "prefix_ends"), [(1000, "value"), (5, "status")])
def test_many_jobs_are_met_in_order_rather_than_sorted(
    world: list[Seller], monkeypatch: pytest.MonkeyPatch, bound: int, prefix_ends: str
) -> None:
    for name in ("MAX_SORT_BY_TIME", "ESTIMATE_BOUND"):
        monkeypatch.setattr(planner, name, bound)
    query = built(world, (None, [HasReference(Kind.SKILL, ("S0",))], {0}, None))
    [scan] = planner.path_for_page(query, query.scopes[0], "created_key").scans
    assert list(scan.prefix)[-1] == prefix_ends


def test_a_long_span_is_met_month_by_month(
    world: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "MAX_SORT", 1)
    spans = [
        Between("created_key", NOW - dt.timedelta(days=50), None),
        Between("created_key", None, NOW - dt.timedelta(days=10)),
    ]
    query = built(world, (None, spans, {0}, None))
    [scan] = planner.path_for_page(query, query.scopes[0], "scheduled_key").scans
    assert scan.prefix["created_month"] == [202610, 202611]


def test_no_month_is_left_out(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of jobs from the most different times."""
    monkeypatch.setattr(planner, "MAX_SORT", 1)
    made = [_job([seller] * 3, number) for number in range(250)]
    for number, job in enumerate(made):
        job.created_key = dt.datetime(1990 + number // 12, 1 + number % 12, 1, tzinfo=dt.UTC)
    ServiceJob.objects.bulk_create(made)
    span = Between("created_key", dt.datetime(1990, 2, 1, tzinfo=dt.UTC), None)
    query = built([seller] * 3, (None, [span], {0}, None))
    assert len(list(all_jobs(query, Order("scheduled_key"), 100))) == 249


def test_a_search_that_is_remembered_does_not_say_what_was_typed(world: list[Seller]) -> None:
    query = search(built(world, (None, [], {0, 1, 2}, None)), "Jordan mounting")
    assert "jordan" not in repr(query).casefold()
