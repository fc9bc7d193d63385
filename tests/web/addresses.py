"""Every address of the URL configuration, found by walking it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True, slots=True)
class Address:
    """``route`` as it is configured; ``parts`` are what it takes: names with their converters."""

    name: str
    route: str
    parts: tuple[tuple[str, str], ...]

    def path(self, **values: Any) -> str:
        """The address with its parts filled in."""
        text = self.route
        for part, converter in self.parts:
            for written in (f"<{converter}:{part}>", f"<{part}>"):
                text = text.replace(written, str(values[part]))
        return f"/{text}"


def addresses() -> list[Address]:
    """Every address, in the order in which it is looked up."""
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: Any, before: str) -> Iterator[Address]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield Address(one.name or route, _plain(route), tuple(_parts(_plain(route))))


def _plain(route: str) -> str:
    """A pattern's parts as a route writes them, where the pattern is a regular expression."""
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route)
    return named.replace("^", "").removesuffix("$").removesuffix("\\Z")


def _parts(route: str) -> Iterator[tuple[str, str]]:
    for piece in route.split("<")[1:]:
        inside = piece.split(">")[0]
        converter, _, name = inside.rpartition(":")
        yield name, converter or "str"
