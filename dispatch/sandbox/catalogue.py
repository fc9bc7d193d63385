"""What the demo world is made of: services, places, people. All of it is fictional.

Phone numbers come from the ranges kept free for fiction: 555-01xx in the US, the media ranges
of the Bundesnetzagentur in Germany. Cities, postal codes and time zones are real, so that maps
of states and zones have something to be right about; streets are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.sandbox.realm import DE, US


@dataclass(frozen=True, slots=True)
class Service:
    asin: str
    title: str
    skill: str
    minutes: int
    price: float
    item: str
    brand: str
    location: str = "IN_HOME"
    real_time: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    city: str
    state: str
    postal_code: str
    zone: str
    area_code: str
    store: str


SERVICES: Final = (
    Service(
        "B0SVTVM001",
        "TV wall mounting, up to 65 inches",
        "TV_MOUNTING",
        60,
        119.0,
        "55-inch 4K television",
        "Northlight",
    ),
    Service(
        "B0SVTVM002",
        "TV wall mounting over a fireplace",
        "TV_MOUNTING",
        120,
        219.0,
        "75-inch 4K television",
        "Northlight",
    ),
    Service(
        "B0SVDWI001",
        "Dishwasher installation",
        "APPLIANCE_INSTALLATION",
        120,
        169.0,
        "Built-in dishwasher",
        "Aquaris",
    ),
    Service(
        "B0SVWMI001",
        "Washing machine installation",
        "APPLIANCE_INSTALLATION",
        90,
        129.0,
        "Front-load washer",
        "Aquaris",
    ),
    Service(
        "B0SVTRM001",
        "Treadmill assembly",
        "FITNESS_ASSEMBLY",
        120,
        139.0,
        "Folding treadmill",
        "Stridewell",
    ),
    Service(
        "B0SVFRN001",
        "Furniture assembly, wardrobe",
        "FURNITURE_ASSEMBLY",
        120,
        149.0,
        "Two-door wardrobe",
        "Holt & Pine",
    ),
    Service(
        "B0SVFRN002",
        "Furniture assembly, desk",
        "FURNITURE_ASSEMBLY",
        60,
        79.0,
        "Standing desk",
        "Holt & Pine",
    ),
    Service(
        "B0SVLCK001",
        "Smart lock installation",
        "SMART_HOME",
        60,
        99.0,
        "Smart door lock",
        "Keyhaven",
    ),
    Service(
        "B0SVTHM001",
        "Smart thermostat installation",
        "SMART_HOME",
        60,
        109.0,
        "Smart thermostat",
        "Keyhaven",
    ),
    Service(
        "B0SVFAN001",
        "Ceiling fan installation",
        "ELECTRICAL",
        90,
        159.0,
        "52-inch ceiling fan",
        "Breezeworks",
    ),
    Service(
        "B0SVLMP001",
        "Light fixture replacement",
        "ELECTRICAL",
        60,
        89.0,
        "Pendant lamp",
        "Breezeworks",
    ),
    Service(
        "B0SVTYR001",
        "Tyre fitting, set of four",
        "TYRE_FITTING",
        60,
        96.0,
        "All-season tyre 205/55 R16",
        "Rollmark",
        "IN_STORE",
        real_time=False,
    ),
    Service(
        "B0SVSET001",
        "Wi-Fi set-up by video call",
        "SMART_HOME",
        60,
        49.0,
        "Mesh router",
        "Keyhaven",
        "ONLINE",
    ),
)

_EAST, _CENTRAL = "America/New_York", "America/Chicago"
PLACES: Final = {
    US: (
        Place("Indianapolis", "IN", "46204", "America/Indiana/Indianapolis", "317", "ST-IN-01"),
        Place("Fort Wayne", "IN", "46802", "America/Indiana/Indianapolis", "260", "ST-IN-01"),
        Place("Evansville", "IN", "47708", _CENTRAL, "812", "ST-IN-01"),
        Place("Gary", "IN", "46402", _CENTRAL, "219", "ST-IN-01"),
        Place("Nashville", "TN", "37203", _CENTRAL, "615", "ST-TN-01"),
        Place("Memphis", "TN", "38103", _CENTRAL, "901", "ST-TN-01"),
        Place("Knoxville", "TN", "37902", _EAST, "865", "ST-TN-01"),
        Place("Chattanooga", "TN", "37402", _EAST, "423", "ST-TN-01"),
        Place("Jacksonville", "FL", "32202", _EAST, "904", "ST-FL-01"),
        Place("Tallahassee", "FL", "32301", _EAST, "850", "ST-FL-01"),
        Place("Pensacola", "FL", "32502", _CENTRAL, "850", "ST-FL-01"),
        Place("Panama City", "FL", "32401", _CENTRAL, "850", "ST-FL-01"),
        Place("Phoenix", "AZ", "85004", "America/Phoenix", "602", "ST-AZ-01"),
        Place("Tucson", "AZ", "85701", "America/Phoenix", "520", "ST-AZ-01"),
        Place("Dallas", "TX", "75201", _CENTRAL, "214", "ST-TX-01"),
        Place("Houston", "TX", "77002", _CENTRAL, "713", "ST-TX-01"),
        Place("El Paso", "TX", "79901", "America/Denver", "915", "ST-TX-02"),
        Place("Denver", "CO", "80202", "America/Denver", "303", "ST-TX-02"),
        Place("Portland", "OR", "97204", "America/Los_Angeles", "503", "ST-OR-01"),
        Place("Seattle", "WA", "98101", "America/Los_Angeles", "206", "ST-OR-01"),
    ),
    DE: (
        Place("Berlin", "Berlin", "10115", "Europe/Berlin", "30 23125", "ST-DE-B1"),
        Place("Berlin", "Berlin", "12043", "Europe/Berlin", "30 23125", "ST-DE-B1"),
        Place("Potsdam", "Brandenburg", "14467", "Europe/Berlin", "30 23125", "ST-DE-B1"),
        Place("Hamburg", "Hamburg", "20095", "Europe/Berlin", "40 66969", "ST-DE-H1"),
        Place("Köln", "Nordrhein-Westfalen", "50667", "Europe/Berlin", "221 4710", "ST-DE-K1"),
        Place("München", "Bayern", "80331", "Europe/Berlin", "89 99998", "ST-DE-M1"),
    ),
}

STREETS: Final = {
    US: (
        "Larkspur Lane",
        "Copper Mill Road",
        "Old Orchard Street",
        "Heron Pond Drive",
        "Juniper Hollow Court",
        "Quarry View Avenue",
        "Lantern Hill Road",
        "Bluebell Terrace",
        "Sycamore Bend",
        "Millstone Way",
        "Fox Meadow Lane",
        "Amber Ridge Drive",
    ),
    DE: (
        "Lindenwinkel",
        "Am Alten Sägewerk",
        "Kranichweg",
        "Mühlensteig",
        "Zur Schlehenhecke",
        "Rotdornallee",
        "Fährmannsgasse",
        "Ziegelhüttenweg",
    ),
}

FIRST_NAMES: Final = {
    US: (
        "Avery",
        "Beatrice",
        "Calvin",
        "Delia",
        "Emmett",
        "Fiona",
        "Gideon",
        "Harriet",
        "Imani",
        "Jasper",
        "Keiko",
        "Lionel",
        "Marisol",
        "Nadia",
        "Otis",
        "Priya",
        "Quentin",
        "Rosalind",
        "Silas",
        "Tamsin",
        "Ulises",
        "Vivian",
        "Winston",
        "Yara",
    ),
    DE: (
        "Annegret",
        "Bastian",
        "Cornelia",
        "Detlef",
        "Elif",
        "Friedrich",
        "Greta",
        "Henning",
        "Ilse",
        "Jonas",
        "Katja",
        "Lorenz",
        "Mehmet",
        "Nele",
        "Ottilie",
        "Rüdiger",
    ),
}

LAST_NAMES: Final = {
    US: (
        "Abernathy",
        "Birdsong",
        "Castellano",
        "Drummond",
        "Eastwick",
        "Farrow",
        "Goldfinch",
        "Hollister",
        "Ibarra",
        "Jorgensen",
        "Kingsolver",
        "Lockridge",
        "Merriweather",
        "Nakagawa",
        "Okonkwo",
        "Pemberton",
        "Quillfeather",
        "Ravenscroft",
        "Stillwater",
        "Thistlewood",
    ),
    DE: (
        "Achterberg",
        "Brömmel",
        "Dachsmeier",
        "Eschenbruch",
        "Feldhaus",
        "Großkreutz",
        "Hasenpusch",
        "Krähwinkel",
        "Löwenzahn",
        "Morgenstern",
        "Niehüser",
        "Öztürk",
    ),
}

#: Name, stores, skills left out (everything else they can do).
TECHNICIANS: Final = {
    US: (
        ("Maya Lindqvist", ("ST-IN-01",), ()),
        ("Darnell Whitcombe", ("ST-IN-01",), ("ELECTRICAL",)),
        ("Rosa Quintero", ("ST-TN-01",), ()),
        ("Theo Marchetti", ("ST-TN-01", "ST-FL-01"), ("APPLIANCE_INSTALLATION",)),
        ("Joan Akintola", ("ST-FL-01",), ()),
        ("Hector Salvatierra", ("ST-AZ-01",), ()),
        ("Wren Oakenfold", ("ST-TX-01",), ()),
        ("Luis Obregon", ("ST-TX-01", "ST-TX-02"), ("FITNESS_ASSEMBLY",)),
        ("Sadie Blackthorn", ("ST-TX-02", "ST-AZ-01"), ()),
        ("Kenji Aldersgate", ("ST-OR-01",), ()),
    ),
    DE: (
        ("Jana Wolkenstein", ("ST-DE-B1",), ()),
        ("Cem Yıldırım", ("ST-DE-B1",), ("ELECTRICAL",)),
        ("Frieda Steinhauer", ("ST-DE-H1",), ()),
        ("Marek Grunewald", ("ST-DE-K1",), ()),
        ("Lukas Bergfried", ("ST-DE-M1", "ST-DE-K1"), ("TYRE_FITTING",)),
    ),
}

SKILLS: Final = tuple(sorted({service.skill for service in SERVICES}))
