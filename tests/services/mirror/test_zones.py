from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.services.mirror.zones import _atlas, is_zone, zone_for
from dispatch.spapi import Marketplaces

NOON_WINTER = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
NOON_SUMMER = dt.datetime(2026, 7, 15, 12, tzinfo=dt.UTC)
DEFAULT = "Antarctica/Troll"


def zone(country: str, state: str = "", postal_code: str = "", default: str = DEFAULT) -> str:
    return zone_for(country=country, state=state, postal_code=postal_code, default=default)


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("MX", "America/Mexico_City"),
        ("BR", "America/Sao_Paulo"),
        ("IE", "Europe/Dublin"),
        ("ES", "Europe/Madrid"),
        ("GB", "Europe/London"),
        ("UK", "Europe/London"),
        ("FR", "Europe/Paris"),
        ("BE", "Europe/Brussels"),
        ("NL", "Europe/Amsterdam"),
        ("DE", "Europe/Berlin"),
        ("IT", "Europe/Rome"),
        ("SE", "Europe/Stockholm"),
        ("ZA", "Africa/Johannesburg"),
        ("PL", "Europe/Warsaw"),
        ("EG", "Africa/Cairo"),
        ("TR", "Europe/Istanbul"),
        ("SA", "Asia/Riyadh"),
        ("AE", "Asia/Dubai"),
        ("IN", "Asia/Kolkata"),
        ("SG", "Asia/Singapore"),
        ("AU", "Australia/Sydney"),
        ("JP", "Asia/Tokyo"),
        (" de ", "Europe/Berlin"),
        ("Germany", "Europe/Berlin"),
    ],
)
def test_it_knows_the_zone_of_a_country(country: str, expected: str) -> None:
    assert zone(country) == expected


@pytest.mark.parametrize(
    ("country", "state", "expected"),
    [
        ("US", "CA", "America/Los_Angeles"),
        ("us", "california", "America/Los_Angeles"),
        ("USA", "New York", "America/New_York"),
        ("United States", "Washington, D.C.", "America/New_York"),
        ("US", "US-CO", "America/Denver"),
        ("US", "AZ", "America/Phoenix"),
        ("US", "Hawaii", "Pacific/Honolulu"),
        ("US", "PR", "America/Puerto_Rico"),
        ("CA", "Québec", "America/Toronto"),
        ("CA", "NEWFOUNDLAND AND LABRADOR", "America/St_Johns"),
        ("CA", "SK", "America/Regina"),
        ("MX", "Nuevo León", "America/Monterrey"),
        ("MX", "Q. Roo", "America/Cancun"),
        ("BR", "são paulo", "America/Sao_Paulo"),
        ("BR", "Amazonas", "America/Manaus"),
        ("AU", "Western Australia", "Australia/Perth"),
        ("AU", "qld", "Australia/Brisbane"),
        ("ES", "Las Palmas", "Atlantic/Canary"),
        ("PT", "Açores", "Atlantic/Azores"),
    ],
)
def test_it_knows_the_zone_of_a_state(country: str, state: str, expected: str) -> None:
    assert zone(country, state) == expected


@pytest.mark.parametrize(
    ("country", "state", "postal_code", "expected"),
    [
        ("US", "FL", "33101", "America/New_York"),  # Miami
        ("US", "FL", "32501", "America/Chicago"),  # Pensacola
        ("US", "FL", "32405-1234", "America/Chicago"),  # Panama City
        ("US", "FL", "32301", "America/New_York"),  # Tallahassee
        ("US", "FL", "32456", "America/New_York"),  # Port St. Joe
        ("US", "IN", "46204", "America/Indiana/Indianapolis"),
        ("US", "IN", "46402", "America/Chicago"),  # Gary
        ("US", "IN", "47708", "America/Chicago"),  # Evansville
        ("US", "IN", "47586", "America/Chicago"),  # Tell City
        ("US", "IN", "47546", "America/Indiana/Indianapolis"),  # Jasper
        ("US", "KY", "40202", "America/Kentucky/Louisville"),
        ("US", "KY", "42101", "America/Chicago"),  # Bowling Green
        ("US", "KY", "42701", "America/Kentucky/Louisville"),  # Elizabethtown
        ("US", "KY", "42728", "America/Chicago"),  # Columbia
        ("US", "TN", "37203", "America/Chicago"),  # Nashville
        ("US", "TN", "37402", "America/New_York"),  # Chattanooga
        ("US", "TN", "37902", "America/New_York"),  # Knoxville
        ("US", "TN", "37388", "America/Chicago"),  # Tullahoma
        ("US", "TN", "38555", "America/Chicago"),  # Crossville
        ("US", "MI", "48226", "America/Detroit"),
        ("US", "MI", "49855", "America/Detroit"),  # Marquette
        ("US", "MI", "49801", "America/Chicago"),  # Iron Mountain
        ("US", "ND", "58102", "America/Chicago"),  # Fargo
        ("US", "ND", "58501", "America/Chicago"),  # Bismarck
        ("US", "ND", "58601", "America/Denver"),  # Dickinson
        ("US", "SD", "57104", "America/Chicago"),  # Sioux Falls
        ("US", "SD", "57701", "America/Denver"),  # Rapid City
        ("US", "SD", "57601", "America/Chicago"),  # Mobridge
        ("US", "NE", "68102", "America/Chicago"),  # Omaha
        ("US", "NE", "69101", "America/Chicago"),  # North Platte
        ("US", "NE", "69153", "America/Denver"),  # Ogallala
        ("US", "NE", "69361", "America/Denver"),  # Scottsbluff
        ("US", "KS", "67202", "America/Chicago"),  # Wichita
        ("US", "KS", "67735", "America/Denver"),  # Goodland
        ("US", "KS", "67701", "America/Chicago"),  # Colby
        ("US", "TX", "75201", "America/Chicago"),  # Dallas
        ("US", "TX", "79901", "America/Denver"),  # El Paso
        ("US", "TX", "79835", "America/Denver"),  # Canutillo
        ("US", "TX", "79830", "America/Chicago"),  # Alpine
        ("US", "ID", "83702", "America/Boise"),
        ("US", "ID", "83814", "America/Los_Angeles"),  # Coeur d'Alene
        ("US", "ID", "83501", "America/Los_Angeles"),  # Lewiston
        ("US", "OR", "97201", "America/Los_Angeles"),  # Portland
        ("US", "OR", "97914", "America/Boise"),  # Ontario
        ("US", "OR", "97907", "America/Los_Angeles"),  # Huntington
        ("US", "AK", "99501", "America/Anchorage"),
        ("US", "AK", "99546", "America/Adak"),
        ("US", "AZ", "85001", "America/Phoenix"),
        ("US", "AZ", "86515", "America/Denver"),  # Window Rock, Navajo Nation
        ("US", "NV", "89883", "America/Denver"),  # West Wendover
        ("US", "OK", "73946", "America/Denver"),  # Kenton
        ("US", "OK", "73102", "America/Chicago"),  # Oklahoma City
        ("CA", "ON", "M5V 3L9", "America/Toronto"),
        ("CA", "ON", "P9N 1A1", "America/Winnipeg"),  # Kenora
        ("CA", "ON", "p7b5e1", "America/Toronto"),  # Thunder Bay
        ("CA", "ON", "P0T 1C0", "America/Atikokan"),
        ("CA", "BC", "V6B 1A1", "America/Vancouver"),
        ("CA", "BC", "V1C 1A1", "America/Edmonton"),  # Cranbrook
        ("CA", "BC", "V1G 1A1", "America/Dawson_Creek"),
        ("CA", "BC", "V0C 1R0", "America/Fort_Nelson"),
        ("CA", "BC", "V0B 1G0", "America/Creston"),
        ("CA", "QC", "H2Y 1C6", "America/Toronto"),  # Montréal
        ("CA", "QC", "G4T 1A1", "America/Halifax"),  # Îles-de-la-Madeleine
        ("CA", "QC", "G0G 1C0", "America/Blanc-Sablon"),
        ("CA", "NU", "X0A 0H0", "America/Iqaluit"),
        ("CA", "NU", "X0C 0G0", "America/Rankin_Inlet"),
        ("CA", "NU", "X0B 0C0", "America/Cambridge_Bay"),
        ("CA", "NL", "A1C 1A1", "America/St_Johns"),
        ("CA", "NL", "A2V 1A1", "America/Goose_Bay"),  # Labrador City
        ("CA", "SK", "S9V 0A1", "America/Edmonton"),  # Lloydminster
        ("MX", "Chihuahua", "31000", "America/Chihuahua"),
        ("MX", "Chihuahua", "32000", "America/Ciudad_Juarez"),
        ("MX", "Chihuahua", "32881", "America/Ojinaga"),
        ("MX", "Coahuila", "25000", "America/Monterrey"),  # Saltillo
        ("MX", "Coahuila", "26000", "America/Matamoros"),  # Piedras Negras
        ("MX", "Tamaulipas", "88500", "America/Matamoros"),  # Reynosa
        ("MX", "Tamaulipas", "89000", "America/Monterrey"),  # Tampico
        ("MX", "Nayarit", "63000", "America/Mazatlan"),  # Tepic
        ("MX", "Nayarit", "63732", "America/Bahia_Banderas"),  # Bucerías
        ("BR", "AM", "69005-070", "America/Manaus"),
        ("BR", "AM", "69640-000", "America/Eirunepe"),  # Tabatinga
        ("BR", "PE", "53990-000", "America/Noronha"),
        ("AU", "NSW", "2000", "Australia/Sydney"),
        ("AU", "NSW", "2880", "Australia/Broken_Hill"),
        ("AU", "NSW", "2898", "Australia/Lord_Howe"),
        ("AU", "WA", "6000", "Australia/Perth"),
        ("AU", "WA", "6443", "Australia/Eucla"),
        ("ES", "", "28013", "Europe/Madrid"),
        ("ES", "", "35001", "Atlantic/Canary"),
        ("ES", "Tenerife", "38001", "Atlantic/Canary"),
        ("PT", "", "1000-001", "Europe/Lisbon"),
        ("PT", "", "9500-010", "Atlantic/Azores"),
        ("PT", "", "9000-001", "Atlantic/Madeira"),
        ("FR", "", "75001", "Europe/Paris"),
        ("FR", "", "97400", "Indian/Reunion"),
    ],
)
def test_it_splits_a_state_by_the_postal_code(
    country: str, state: str, postal_code: str, expected: str
) -> None:
    assert zone(country, state, postal_code) == expected


@pytest.mark.parametrize(
    ("country", "postal_code", "expected"),
    [
        ("US", "98101", "America/Los_Angeles"),
        ("US", "02139", "America/New_York"),
        ("US", "32501", "America/Chicago"),
        ("US", "96799", "Pacific/Pago_Pago"),
        ("CA", "T2P 1J9", "America/Edmonton"),
        ("CA", "X1A 2N2", "America/Edmonton"),  # Yellowknife
        ("MX", "22000", "America/Tijuana"),
        ("BR", "69900-062", "America/Rio_Branco"),
        ("AU", "0800", "Australia/Darwin"),
        ("AU", "6000", "Australia/Perth"),
    ],
)
def test_it_goes_by_the_postal_code_where_no_state_is_given(
    country: str, postal_code: str, expected: str
) -> None:
    assert zone(country, "", postal_code) == expected


def test_it_believes_the_state_over_a_postal_code_from_elsewhere() -> None:
    assert zone("US", "WA", "32501") == "America/Los_Angeles"


@pytest.mark.parametrize(
    ("country", "state", "postal_code"),
    [
        ("", "", ""),
        ("US", "", ""),
        ("CA", "Atlantis", ""),
        ("XX", "CA", "90210"),
        ("US", "AE", "09012"),  # A military address has no place.
        ("US", "\0", "\ud800"),
        ("💥" * 400, "x" * 10_000, "9" * 10_000),
    ],
)
def test_it_falls_back_to_the_seller_s_zone(country: str, state: str, postal_code: str) -> None:
    assert zone(country, state, postal_code) == DEFAULT


@pytest.mark.parametrize(
    "broken", ["", "Mars/Base", "\0", "../../etc/passwd", "/etc/passwd", "America", "x" * 5000]
)
def test_a_broken_default_means_utc(broken: str) -> None:
    assert zone("", default=broken) == "UTC"
    assert not is_zone(broken)


@given(st.text(), st.text(), st.text(), st.text())
def test_it_never_raises_and_always_names_a_real_zone(
    country: str, state: str, postal_code: str, default: str
) -> None:
    assert is_zone(zone(country, state, postal_code, default))


@given(st.sampled_from(["US", "CA", "MX", "BR", "AU", "ES", "PT", "FR"]), st.text(max_size=12))
def test_what_it_finds_is_among_all_zones(country: str, postal_code: str) -> None:
    assert zone(country, "", postal_code, "UTC") in {*_atlas().every_zone(), "UTC"}


def test_every_zone_exists_on_this_machine() -> None:
    assert [name for name in _atlas().every_zone() if not is_zone(name)] == []


def test_every_marketplace_has_a_zone() -> None:
    names = {"UK": "GB"}
    for marketplace in Marketplaces:
        country = names.get(marketplace.name, marketplace.name)
        state = {"US": "WA", "CA": "ON"}.get(country, "")
        assert zone(country, state, default="") != "UTC", country


def utc(year: int, month: int, day: int, hour: int, minute: int) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC)


def local(moment: dt.datetime, postal_code: str) -> str:
    name = zone("US", {"3": "FL", "7": "TX"}[postal_code[0]], postal_code)
    return moment.astimezone(ZoneInfo(name)).strftime("%a %H:%M %Z")


@pytest.mark.parametrize(
    ("moment", "miami", "pensacola", "el_paso"),
    [
        # The clock goes forward at 2:00 local time: one zone after the other.
        (utc(2026, 3, 8, 6, 30), "Sun 01:30 EST", "Sun 00:30 CST", "Sat 23:30 MST"),
        (utc(2026, 3, 8, 7, 30), "Sun 03:30 EDT", "Sun 01:30 CST", "Sun 00:30 MST"),
        (utc(2026, 3, 8, 8, 30), "Sun 04:30 EDT", "Sun 03:30 CDT", "Sun 01:30 MST"),
        (utc(2026, 3, 8, 9, 30), "Sun 05:30 EDT", "Sun 04:30 CDT", "Sun 03:30 MDT"),
        # And back: 1:30 comes twice.
        (utc(2026, 11, 1, 5, 30), "Sun 01:30 EDT", "Sun 00:30 CDT", "Sat 23:30 MDT"),
        (utc(2026, 11, 1, 6, 30), "Sun 01:30 EST", "Sun 01:30 CDT", "Sun 00:30 MDT"),
        (utc(2026, 11, 1, 7, 30), "Sun 02:30 EST", "Sun 01:30 CST", "Sun 01:30 MDT"),
        (utc(2026, 11, 1, 8, 30), "Sun 03:30 EST", "Sun 02:30 CST", "Sun 01:30 MST"),
    ],
)
def test_an_appointment_is_right_on_both_sides_of_a_change_of_the_clock(
    moment: dt.datetime, miami: str, pensacola: str, el_paso: str
) -> None:
    assert local(moment, "33101") == miami
    assert local(moment, "32501") == pensacola
    assert local(moment, "79901") == el_paso


def test_phoenix_stands_still_while_window_rock_changes() -> None:
    phoenix, navajo = (ZoneInfo(zone("US", "AZ", code)) for code in ("85001", "86515"))
    assert NOON_WINTER.astimezone(phoenix).hour == NOON_WINTER.astimezone(navajo).hour
    assert NOON_SUMMER.astimezone(phoenix).hour + 1 == NOON_SUMMER.astimezone(navajo).hour
