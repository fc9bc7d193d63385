"""The conditions of a list, and how Django asks them of a row.

A condition is answered by the job's own columns, or by rows linked to the job: its references and
words. The row that is asked may be the job itself or one of those linked rows.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, Protocol

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.lookups import IsNull

from dispatch.models import JobReference, JobWord, ServiceJob
from dispatch.models.keyring import keyring

TIME_COLUMNS = ("scheduled_key", "created_key", "changed_at")
"""The columns of a time by which a list can be sorted and a span be cut out of it."""

MAX_CORRELATED_SEEKS = 4
"""With up to this many seeks, a correlated look-up goes into an index in the list's order; with
more, one seek by primary key is faster."""


class Condition(Protocol):
    """Something that is true of every job of a list."""

    def column_filter(self) -> Q:
        """Return what the job's own columns must hold; empty if they do not tell."""
        ...

    def linked_filter(self, sellers: Sequence[uuid.UUID], job_column: str) -> Q:
        """Return which linked rows there must be, as correlated subqueries; empty if none.

        ``job_column`` is the column of the asking row that holds the job's key.
        """
        ...


class _OnColumns:
    """Base of the conditions that no linked row is needed for."""

    __slots__ = ()

    def linked_filter(self, sellers: Sequence[uuid.UUID], job_column: str) -> Q:
        return Q()


class _OnLinkedRows:
    """Base of the conditions that the job's own columns cannot answer."""

    __slots__ = ()

    def column_filter(self) -> Q:
        return Q()


@dataclass(frozen=True, slots=True)
class OneOf(_OnColumns):
    """A column holds one of these values."""

    column: str
    values: frozenset[Any]

    def column_filter(self) -> Q:
        return Q(**{f"{self.column}__in": sorted(self.values)})


@dataclass(frozen=True, slots=True)
class Between(_OnColumns):
    """A time column is not before ``first`` and is before ``end``; None leaves a side open.

    ``column`` is one of `TIME_COLUMNS`.
    """

    column: str
    first: int | dt.datetime | None
    end: int | dt.datetime | None

    def column_filter(self) -> Q:
        sides = {f"{self.column}__gte": self.first, f"{self.column}__lt": self.end}
        return Q(**{name: value for name, value in sides.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Unindexed(_OnColumns):
    """The job's columns match a filter that no index leads to."""

    q: Q

    def column_filter(self) -> Q:
        return self.q


@dataclass(frozen=True, slots=True)
class HasReference(_OnLinkedRows):
    """The job has at least one of these references of a kind."""

    kind: JobReference.Kind
    values: tuple[str, ...]

    def linked_filter(self, sellers: Sequence[uuid.UUID], job_column: str) -> Q:
        rows = JobReference.objects.filter(kind=self.kind, value__in=self.values)
        seeks = len(sellers) * len(self.values)
        return _exists(_correlated(rows, job_column, seeks, seller__in=sellers))


Word = tuple[tuple[uuid.UUID, tuple[int, ...]], ...]
"""A word as its keyed hashes at each seller, so that a list kept in memory does not say a name."""


def hashed_word(text: str, sellers: Iterable[uuid.UUID]) -> Word:
    """Return a word as the hashes by which it is found in these sellers' jobs."""
    ring = keyring()
    return tuple((seller, tuple(ring.word_hashes(text, str(seller)))) for seller in sellers)


def hashes_at(word: Word, sellers: Sequence[uuid.UUID]) -> list[int]:
    """Return the hashes of a word at some of the sellers it was hashed for."""
    return [one for seller, hashes in word if seller in sellers for one in hashes]


def has_word(word: Word, sellers: Sequence[uuid.UUID], job_column: str) -> Q:
    """Return a filter for rows whose job holds a word."""
    hashes = hashes_at(word, sellers)
    rows = JobWord.objects.filter(word_hash__in=hashes)
    return _exists(_correlated(rows, job_column, len(hashes)))


@dataclass(frozen=True, slots=True)
class HasWords(_OnLinkedRows):
    """The job holds all words of one of the ``phrases``, or is one of ``jobs``.

    The first word of a phrase should be its rarest: an access path begins with it.
    """

    phrases: tuple[tuple[Word, ...], ...]
    jobs: tuple[int, ...] = ()

    def linked_filter(self, sellers: Sequence[uuid.UUID], job_column: str) -> Q:
        found = Q(**{f"{job_column}__in": self.jobs})
        for phrase in self.phrases:
            found |= all_of(has_word(word, sellers, job_column) for word in phrase)
        return found


def all_of(parts: Iterable[Q]) -> Q:
    """Return a filter for rows that match every part; it is empty if there are no parts."""
    return reduce(and_, parts, Q())


def residual_filter(
    conditions: Iterable[Condition], sellers: Sequence[uuid.UUID], job_column: str
) -> Q:
    """Return the conditions as one filter of rows whose ``job_column`` holds the job's key."""
    conditions = list(conditions)
    own = all_of(condition.column_filter() for condition in conditions)
    linked = all_of(condition.linked_filter(sellers, job_column) for condition in conditions)
    if job_column != "pk" and own:
        rows = ServiceJob.objects.filter(own)
        own = _exists(_correlated(rows, job_column, len(sellers), "pk", seller__in=sellers))
    return without_index(own & linked)


def reads_other_rows(conditions: Iterable[Condition], job_column: str) -> bool:
    """Return whether asking these conditions of a row reads another row each time."""
    return any(isinstance(one, _OnLinkedRows) or job_column != "pk" for one in conditions)


def without_index(q: Q) -> Q:
    """Return a filter in a form that no index answers, so that planners use the path's index."""
    return Q(Case(When(q, then=Value(True)), default=Value(False))) if q else q


def _exists(rows: QuerySet[Any]) -> Q:
    """Return a filter for rows for which a correlated row exists.

    It is not EXISTS: for that, PostgreSQL may first read all rows that match the inner condition,
    a hundred thousand at times.
    """
    return Q(IsNull(Subquery(rows.values(there=Value(1))[:1]), False))


def _correlated(
    rows: QuerySet[Any], job_column: str, seeks: int, column: str = "job", **prefix: Any
) -> QuerySet[Any]:
    """Return those of the rows whose ``column`` holds the job of the asking row.

    Up to `MAX_CORRELATED_SEEKS`, they are found together with ``prefix`` in an index that is in
    the list's order. The asking rows come in that order too, so each seek lands beside the last
    one and reads no job: two to three times as fast as by primary key. Planners would prefer that
    key unless it is a range.
    """
    if seeks > MAX_CORRELATED_SEEKS:
        return rows.filter(**{column: OuterRef(job_column)})
    place = {name: OuterRef(name) for name in ("status", "scheduled_key")}
    one = {f"{column}__gte": OuterRef(job_column), f"{column}__lte": OuterRef(job_column)}
    return rows.filter(**prefix, **place, **one)
