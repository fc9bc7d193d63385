"""Finds the time zone of an address: a job's times are shown where the job is.

Amazon gives an address but no zone. Most states lie in one zone; where a state is split, the
postal code decides. What lies where is kept in ``zones.toml``, which names its sources too.
"""

from __future__ import annotations

import tomllib
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

_FILE = Path(__file__).with_name("zones.toml")


@dataclass(frozen=True, slots=True)
class _Atlas:
    """What ``zones.toml`` says; an area is a country (``FR``) or one of its states (``US-OH``)."""

    country_codes: dict[str, str]
    """Codes of countries by their other names."""
    state_codes: dict[tuple[str, str], str]
    """Codes of states by country and by code or name."""
    zones: dict[str, str]
    """The zone of each area as a whole."""
    postal_zones: dict[str, dict[str, str]]
    """The zones of the beginnings of postal codes, by area."""
    first_postal_codes: dict[str, tuple[list[str], list[str]]]
    """Where the states' codes begin, in order, and those states, by country."""

    def every_zone(self) -> set[str]:
        """Return every zone that an address can be found to lie in."""
        by_code = (zone for zones in self.postal_zones.values() for zone in zones.values())
        return {*self.zones.values(), *by_code} - {""}


def zone_for(*, country: str, state: str, postal_code: str, default: str) -> str:
    """Return the IANA zone of an address.

    ``country`` and ``state`` are codes or names in any case, as Amazon passes on what buyers typed.
    Where they tell nothing, the zone is ``default`` (the seller's), or ``UTC`` where that is none.
    Never raises.
    """
    atlas = _atlas()
    area = atlas.country_codes.get(_key(country), _key(country))
    code = _key(postal_code).replace(" ", "")
    state_code = _state_code(area, state, code)
    if state_code:
        area = f"{area}-{state_code}"
    zone = _postal_zone(area, code) or atlas.zones.get(area)
    return zone or (default if is_zone(default) else "UTC")


def is_zone(name: str) -> bool:
    """Tell whether this machine knows a time zone of that name; never raises."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _state_code(country: str, state: str, postal_code: str) -> str:
    atlas, name = _atlas(), _key(state).removeprefix(f"{country} ")
    if known := atlas.state_codes.get((country, name)):
        return known
    begins, states = atlas.first_postal_codes.get(country, ([], []))
    position = bisect_right(begins, postal_code) - 1
    found = states[position] if position >= 0 else "-"
    return "" if found == "-" else found


def _postal_zone(area: str, postal_code: str) -> str:
    zones = _atlas().postal_zones.get(area, {})
    lengths = range(min(len(postal_code), 5), 1, -1)
    return next((zones[p] for n in lengths if (p := postal_code[:n]) in zones), "")


def _key(text: str) -> str:
    """Return a name in upper case without accents and punctuation; ``D.C.`` is one word."""
    plain = unicodedata.normalize("NFKD", text[:200]).replace(".", "")
    bare = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).upper().split())


@cache
def _atlas() -> _Atlas:
    """Read ``zones.toml``, once in a process."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    zones: dict[str, str] = dict(told["countries"])
    state_codes: dict[tuple[str, str], str] = {}
    for country, states in told["states"].items():
        for code, (zone, *names) in states.items():
            zones[f"{country}-{code}"] = zone
            state_codes |= {(country, _key(name)): code for name in (code, *names)}
    postal_zones = {
        area: {begin: zone for zone, begins in found.items() for begin in begins.split()}
        for area, found in told["postal_codes"].items()
    }
    first = {country: text.split() for country, text in told["first_postal_codes"].items()}
    return _Atlas(
        country_codes=told["country_names"],
        state_codes=state_codes,
        zones=zones,
        postal_zones=postal_zones,
        first_postal_codes={country: (pairs[::2], pairs[1::2]) for country, pairs in first.items()},
    )
