"""A list of jobs as its conditions, and the index ranges from which it can be read.

Neither database walks ``seller IN (…) AND status IN (…)`` in the order of an index, and none
knows where a common condition's jobs lie in the order of another. So a list is never left to the
planner: a *lead* names the index that gives its jobs, as *strands* which are in order once each of
their ``split`` columns is one value; all other conditions are asked of each entry that it gives.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from math import prod
from operator import and_
from typing import Any, Protocol

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.lookups import IsNull

from dispatch.models import JobReference, JobWord, ServiceJob
from dispatch.models.jobs import month_of
from dispatch.models.keyring import keyring
from dispatch.selectors.known import NOTHING, Known
from dispatch.selectors.seeks import values_of

TIMES = ("scheduled_key", "created_key", "changed_at")
MONTHS = {"created_key": "created_month", "changed_at": "changed_month"}
"""By these the jobs of a span are kept together, in order of their appointments."""

MOST_STEPS = 4
"""So many steps into an index in the list's order take as long as one by primary key."""


@dataclass(frozen=True, slots=True)
class Strand:
    """Rows of one index that stand for jobs, under every value of the columns it is split by."""

    rows: QuerySet[Any]
    split: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    job: str = "pk"
    """The column of ``rows`` that holds the job's key."""

    def whole(self, also: Q | None = None) -> QuerySet[Any]:
        """All rows, in no order."""
        split = Q(**{f"{name}__in": values for name, values in self.split.items()})
        return self.rows.filter(split & also if also else split)


@dataclass(frozen=True, slots=True)
class Lead:
    """One way to read a list: its strands, the column they are in order of, what they fulfil.

    The last two tell the leads of a scope apart.
    """

    strands: tuple[Strand, ...] = field(compare=False)
    column: str
    fulfils: tuple[Condition, ...]
    twice: bool = False
    """Whether a job may stand in several strands, or under several values."""

    @property
    def ranges(self) -> int:
        """Into how many ranges its strands fall, each in order."""
        return sum(prod(map(len, strand.split.values())) for strand in self.strands)


class Condition(Protocol):
    """Something that is true of every job of a list."""

    def of_job(self) -> Q:
        """It, said of the job's own columns; an empty one where they do not tell."""
        ...

    def of_link(self, sellers: Sequence[uuid.UUID], job: str) -> Q:
        """It, said of what hangs on the job that the column ``job`` names; else empty."""
        ...


@dataclass(frozen=True, slots=True)
class OneOf:
    """A column holds one of these values."""

    column: str
    values: frozenset[Any]

    def of_job(self) -> Q:
        return Q(**{f"{self.column}__in": sorted(self.values)})

    def of_link(self, sellers: Sequence[uuid.UUID], job: str) -> Q:
        return Q()


@dataclass(frozen=True, slots=True)
class Within:
    """One of `TIMES` is not before ``first`` and before ``end``; None leaves a side open."""

    column: str
    first: int | dt.datetime | None
    end: int | dt.datetime | None

    def of_job(self) -> Q:
        sides = {f"{self.column}__gte": self.first, f"{self.column}__lt": self.end}
        return Q(**{name: value for name, value in sides.items() if value is not None})

    def of_link(self, sellers: Sequence[uuid.UUID], job: str) -> Q:
        return Q()


@dataclass(frozen=True, slots=True)
class Where:
    """Whatever columns say that no index leads to."""

    q: Q

    def of_job(self) -> Q:
        return self.q

    def of_link(self, sellers: Sequence[uuid.UUID], job: str) -> Q:
        return Q()


@dataclass(frozen=True, slots=True)
class Refers:
    """The job has one of these references."""

    kind: JobReference.Kind
    values: tuple[str, ...]

    def of_job(self) -> Q:
        return Q()

    def of_link(self, sellers: Sequence[uuid.UUID], job: str) -> Q:
        found = JobReference.objects.filter(kind=self.kind, value__in=self.values)
        steps = len(sellers) * len(self.values)
        return _there_is(_hanging(found, job, steps, seller__in=sellers))


Word = tuple[tuple[uuid.UUID, tuple[int, ...]], ...]
"""A word as its keyed hashes at each seller: a list that is remembered does not say a name."""


def word_of(text: str, sellers: Iterable[uuid.UUID]) -> Word:
    """A word as these sellers' jobs are found by it."""
    ring = keyring()
    return tuple((seller, tuple(ring.word_hashes(text, str(seller)))) for seller in sellers)


@dataclass(frozen=True, slots=True)
class Says:
    """The job holds all words of one of the ``phrases``, or is one of ``jobs``.

    The first word of a phrase leads to its jobs: the longest is seldom the most common.
    """

    phrases: tuple[tuple[Word, ...], ...]
    jobs: tuple[int, ...] = ()

    def of_job(self) -> Q:
        return Q()

    def of_link(self, sellers: Sequence[uuid.UUID], job: str) -> Q:
        said = Q(**{f"{job}__in": self.jobs})
        for phrase in self.phrases:
            said |= all_of(_has_word(word, sellers, job) for word in phrase)
        return said


@dataclass(frozen=True, slots=True)
class Scope:
    """Sellers of a person, and the resources whose jobs they see there; None for all jobs."""

    sellers: tuple[uuid.UUID, ...]
    resources: tuple[str, ...] | None = None
    known: Known = NOTHING
    """What occurs there."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The jobs of some scopes for which every condition holds. The indexes serve it, never a scan.

    ``statuses`` is None for every status.
    """

    scopes: tuple[Scope, ...]
    statuses: frozenset[str] | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def sellers(self) -> list[uuid.UUID]:
        return [seller for scope in self.scopes for seller in scope.sellers]

    def of_sellers(self, chosen: Iterable[uuid.UUID]) -> Cut:
        """Those of some sellers."""
        kept = set(chosen)
        scopes = (replace(s, sellers=tuple(x for x in s.sellers if x in kept)) for s in self.scopes)
        return replace(self, scopes=tuple(scope for scope in scopes if scope.sellers))

    def with_status(self, statuses: Iterable[str]) -> Cut:
        """Those in one of some statuses."""
        allowed = frozenset(statuses)
        return replace(self, statuses=allowed if self.statuses is None else self.statuses & allowed)

    def that(self, *conditions: Condition) -> Cut:
        """Those for which this holds too."""
        return replace(self, conditions=self.conditions + conditions)

    def none(self) -> Cut:
        """No jobs at all."""
        return replace(self, scopes=())

    def rows(self) -> QuerySet[ServiceJob]:
        """The same jobs as a plain query, in no order: for few jobs, and to compare with."""
        found = Q(pk__in=[])
        for scope in self.scopes:
            found |= Q(seller__in=scope.sellers) & rest(self.within(scope), scope.sellers, "pk")
        return ServiceJob.objects.filter(found)

    def within(self, scope: Scope) -> list[Condition]:
        """All that must hold in a scope, also what its person may see and the statuses."""
        found = list(self.conditions)
        if self.statuses is not None:
            found.append(OneOf("status", self.statuses))
        if scope.resources is not None:
            found.append(Refers(JobReference.Kind.RESOURCE, scope.resources))
        return found


def all_of(parts: Iterable[Q]) -> Q:
    """All of them; true where there is none."""
    return reduce(and_, parts, Q())


def rest(conditions: Iterable[Condition], sellers: Sequence[uuid.UUID], job: str) -> Q:
    """The conditions, asked of rows whose column ``job`` names the job."""
    conditions = list(conditions)
    own = all_of(condition.of_job() for condition in conditions)
    linked = all_of(condition.of_link(sellers, job) for condition in conditions)
    if job != "pk" and own:
        found = ServiceJob.objects.filter(own)
        own = _there_is(_hanging(found, job, len(sellers), "pk", seller__in=sellers))
    return _only_asked(own & linked)


def looks_up(conditions: Iterable[Condition], job: str) -> bool:
    """Whether asking the conditions of such rows reads another row for each."""
    return any(isinstance(one, Refers | Says) or job != "pk" for one in conditions)


def _there_is(rows: QuerySet[Any]) -> Q:
    """Whether there is such a row, looked up for each job.

    For EXISTS, PostgreSQL may read all that match a condition first, a hundred thousand at times.
    """
    return Q(IsNull(Subquery(rows.values(there=Value(1))[:1]), False))


def _hanging(
    rows: QuerySet[Any], job: str, steps: int, column: str = "job", **near: Any
) -> QuerySet[Any]:
    """Those of the rows whose ``column`` names the asking row's job.

    Where that takes few ``steps``, they are found, together with ``near``, in an index that is in
    the list's order. Rows ask in that order, so each step is next to the last one, and reads no
    job: two to three times as fast as by primary key. Planners prefer that key unless it is a
    range.
    """
    if steps > MOST_STEPS:
        return rows.filter(**{column: OuterRef(job)})
    place = {name: OuterRef(name) for name in ("status", "scheduled_key")}
    one = {f"{column}__gte": OuterRef(job), f"{column}__lte": OuterRef(job)}
    return rows.filter(**near, **place, **one)


def _only_asked(q: Q) -> Q:
    """A condition in a form that no index answers: the lead's own is the one to be read."""
    return Q(Case(When(q, then=Value(True)), default=Value(False))) if q else q


def leads(cut: Cut, scope: Scope, column: str | None) -> list[Lead]:
    """The ways to read a cut in a scope, in order of ``column`` or in none.

    What leads to fewer jobs comes first, as far as that can be told without counting.
    """
    conditions = cut.within(scope)
    given = [s for s in scope.known.statuses if cut.statuses is None or s in cut.statuses]
    split = {"seller_id": scope.sellers, "status": given}
    spans = [one for one in conditions if isinstance(one, Within)]
    status = tuple(one for one in conditions if isinstance(one, OneOf) and one.column == "status")
    found = [_linked(one, split, spans, status) for one in conditions if isinstance(one, Refers)]
    found += [_worded(one, split, spans, status) for one in conditions if isinstance(one, Says)]
    found += [
        _by_value(one, split, spans, status)
        for one in conditions
        if isinstance(one, OneOf) and one.column != "status"
    ]
    names = dict.fromkeys(span.column for span in spans)
    found += [_in_time(name, split, spans, status) for name in names if name != column]
    if column == "scheduled_key":
        found += [_by_month(name, scope, spans) for name in names if name in MONTHS]
    if column or not found:
        found.append(_in_time(column or "scheduled_key", split, spans, status))
    return found


def _in_time(
    column: str, split: Mapping[str, Sequence[Any]], spans: list[Within], status: Any
) -> Lead:
    here = tuple(span for span in spans if span.column == column)
    rows = ServiceJob.objects.filter(all_of(span.of_job() for span in here))
    return Lead((Strand(rows, split),), column, status + here)


def _by_month(column: str, scope: Scope, spans: list[Within]) -> Lead:
    """The months that spans touch: in order of the appointments, however long they are."""
    name = MONTHS[column]
    months = values_of(ServiceJob, name, scope.sellers, limit=None)
    for one in spans:
        if one.column == column:
            first, last = (
                month_of(side) if isinstance(side, dt.datetime) else None
                for side in (one.first, one.end)
            )
            months = [m for m in months if (first or m) <= m <= (last or m)]
    strand = Strand(ServiceJob.objects.all(), {"seller_id": scope.sellers, name: months})
    return Lead((strand,), "scheduled_key", (OneOf(name, frozenset(months)),))


def _by_value(
    one: OneOf, split: Mapping[str, Sequence[Any]], spans: list[Within], status: Any
) -> Lead:
    strand = Strand(ServiceJob.objects.all(), {**split, one.column: sorted(one.values)})
    column = "" if one.column == "service_order_id" else "scheduled_key"
    here = tuple(span for span in spans if span.column == column)
    rows = strand.rows.filter(all_of(span.of_job() for span in here))
    return Lead((replace(strand, rows=rows),), column, (one, *status, *here))


def _linked(
    one: Refers, split: Mapping[str, Sequence[Any]], spans: list[Within], status: Any
) -> Lead:
    """References carry status and ``scheduled_key``: they begin where its span begins."""
    here, bounds = _scheduled(spans)
    rows = JobReference.objects.filter(bounds, kind=one.kind)
    strand = Strand(rows, {**split, "value": one.values}, "job_id")
    return Lead((strand,), "scheduled_key", (one, *status, *here), twice=len(one.values) > 1)


def _worded(
    one: Says, split: Mapping[str, Sequence[Any]], spans: list[Within], status: Any
) -> Lead:
    """So do words."""
    here, bounds = _scheduled(spans)
    sellers, statuses = split["seller_id"], split["status"]
    strands = [_phrase(phrase, sellers, statuses, bounds) for phrase in one.phrases]
    if one.jobs:
        mine = _only_asked(Q(seller__in=sellers, status__in=statuses))
        strands.append(Strand(ServiceJob.objects.filter(bounds & mine, pk__in=one.jobs)))
    return Lead(tuple(strands), "scheduled_key", (one, *status, *here), twice=len(strands) > 1)


def _scheduled(spans: list[Within]) -> tuple[tuple[Within, ...], Q]:
    here = tuple(span for span in spans if span.column == "scheduled_key")
    return here, all_of(span.of_job() for span in here)


def _phrase(
    words: tuple[Word, ...], sellers: Sequence[uuid.UUID], statuses: Sequence[str], bounds: Q
) -> Strand:
    first, *others = words
    with_others = all_of(_has_word(word, sellers, "job_id") for word in others)
    rows = JobWord.objects.filter(bounds & with_others)
    return Strand(rows, {"word_hash": _hashes(first, sellers), "status": statuses}, "job_id")


def _has_word(word: Word, sellers: Sequence[uuid.UUID], job: str) -> Q:
    hashes = _hashes(word, sellers)
    return _there_is(_hanging(JobWord.objects.filter(word_hash__in=hashes), job, len(hashes)))


def _hashes(word: Word, sellers: Sequence[uuid.UUID]) -> list[int]:
    return [found for seller, hashes in word if seller in sellers for found in hashes]
