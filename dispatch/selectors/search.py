"""The search of jobs: by the words of what is sealed, and by the beginning of an id."""

from __future__ import annotations

import uuid

from django.db.models import Value

from dispatch.models import ServiceJob
from dispatch.models.words import split_words, typed_phone
from dispatch.selectors.listing.conditions import HasWords, Word, hashed_word
from dispatch.selectors.listing.query import JobQuery
from dispatch.selectors.listing.sql import rows_of_all

MOST_IDS = 1000
LAST_CHARACTER = "\U0010ffff"


def search(query: JobQuery, text: str) -> JobQuery:
    """Narrow a query to jobs that hold every word of ``text``: ids from their beginning, other
    words whole.

    Names, phones and addresses are sealed; they are found by the keyed hashes of their words. Of
    the ids that begin alike, the first `MOST_IDS` are taken.
    """
    phone = typed_phone(text)
    terms = [text.strip()] if phone else list(dict.fromkeys(text.split()))
    begun = _beginning_with(query, terms)
    for term in terms:
        word = phone or term.casefold()
        phrases = {(word,)} if phone else {(word,), tuple(dict.fromkeys(split_words(word)))} - {()}
        hashed = tuple(_hashed(phrase, query.sellers) for phrase in sorted(phrases))
        query = query.where(HasWords(hashed, tuple(begun[term])))
    return query


def _hashed(phrase: tuple[str, ...], sellers: list[uuid.UUID]) -> tuple[Word, ...]:
    """Hash a phrase's words, the longest first: it is seldom the most common."""
    return tuple(hashed_word(word, sellers) for word in sorted(phrase, key=len, reverse=True))


def _beginning_with(query: JobQuery, terms: list[str]) -> dict[str, list[int]]:
    """Return jobs whose id, or whose order's, begins with a term: as typed, or in either case."""
    jobs = ServiceJob.objects.filter(seller__in=query.sellers)
    parts = [
        jobs.filter(**{f"{column}__gte": begin, f"{column}__lt": begin + LAST_CHARACTER})
        .values_list(Value(nth), "pk")[:MOST_IDS]
        for nth, term in enumerate(terms)
        for begin in dict.fromkeys((term, term.upper(), term.lower()))
        for column in ("service_job_id", "service_order_id")
    ]  # fmt: skip
    found: dict[str, list[int]] = {term: [] for term in terms}
    for nth, key in rows_of_all(parts):
        found[terms[nth]].append(key)
    return found
