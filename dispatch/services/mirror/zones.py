"""The time zone of a place: a job's times are shown where the job is.

Amazon gives an address but no zone. Most states lie in one zone; where a state is split, the
postal code decides. Sources: 49 CFR part 71 and the tz database's ``northamerica`` and
``zone1970.tab`` (which follow what people live by, as Kenton and Phenix City do), USPS publication
65 for the ZIP prefixes, Canada Post, Correios, SEPOMEX and Australia Post for theirs.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from zoneinfo import ZoneInfo

COUNTRIES = {
    "AE": "Asia/Dubai",
    "AT": "Europe/Vienna",
    "AU": "Australia/Sydney",
    "BE": "Europe/Brussels",
    "BR": "America/Sao_Paulo",
    "CA": "",  # Seven zones: a guess without a province helps nobody.
    "CH": "Europe/Zurich",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EG": "Africa/Cairo",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GG": "Europe/London",
    "GU": "Pacific/Guam",
    "IE": "Europe/Dublin",
    "IM": "Europe/London",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "JE": "Europe/London",
    "JP": "Asia/Tokyo",
    "LU": "Europe/Luxembourg",
    "MC": "Europe/Monaco",
    "MX": "America/Mexico_City",
    "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw",
    "PR": "America/Puerto_Rico",
    "PT": "Europe/Lisbon",
    "SA": "Asia/Riyadh",
    "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
    "SM": "Europe/Rome",
    "TR": "Europe/Istanbul",
    "US": "",
    "VI": "America/Puerto_Rico",
    "ZA": "Africa/Johannesburg",
}
"""The zone of a country as a whole; empty where only the state tells."""

_COUNTRY_NAMES = {
    "UK": "GB",
    "USA": "US",
    "UNITED STATES": "US",
    "UNITED KINGDOM": "GB",
    "GREAT BRITAIN": "GB",
    "CANADA": "CA",
    "MEXICO": "MX",
    "AUSTRALIA": "AU",
    "GERMANY": "DE",
}

_STATES = {
    # code | zone | other ways to write it
    "US": """
        AL|America/Chicago|Alabama
        AK|America/Anchorage|Alaska
        AS|Pacific/Pago_Pago|American Samoa
        AZ|America/Phoenix|Arizona
        AR|America/Chicago|Arkansas
        CA|America/Los_Angeles|California
        CO|America/Denver|Colorado
        CT|America/New_York|Connecticut
        DE|America/New_York|Delaware
        DC|America/New_York|District of Columbia,Washington DC
        FL|America/New_York|Florida
        GA|America/New_York|Georgia
        GU|Pacific/Guam|Guam
        HI|Pacific/Honolulu|Hawaii
        ID|America/Boise|Idaho
        IL|America/Chicago|Illinois
        IN|America/Indiana/Indianapolis|Indiana
        IA|America/Chicago|Iowa
        KS|America/Chicago|Kansas
        KY|America/Kentucky/Louisville|Kentucky
        LA|America/Chicago|Louisiana
        ME|America/New_York|Maine
        MD|America/New_York|Maryland
        MA|America/New_York|Massachusetts
        MI|America/Detroit|Michigan
        MN|America/Chicago|Minnesota
        MS|America/Chicago|Mississippi
        MO|America/Chicago|Missouri
        MP|Pacific/Guam|Northern Mariana Islands
        MT|America/Denver|Montana
        NE|America/Chicago|Nebraska
        NV|America/Los_Angeles|Nevada
        NH|America/New_York|New Hampshire
        NJ|America/New_York|New Jersey
        NM|America/Denver|New Mexico
        NY|America/New_York|New York
        NC|America/New_York|North Carolina
        ND|America/Chicago|North Dakota
        OH|America/New_York|Ohio
        OK|America/Chicago|Oklahoma
        OR|America/Los_Angeles|Oregon
        PA|America/New_York|Pennsylvania
        PR|America/Puerto_Rico|Puerto Rico
        RI|America/New_York|Rhode Island
        SC|America/New_York|South Carolina
        SD|America/Chicago|South Dakota
        TN|America/Chicago|Tennessee
        TX|America/Chicago|Texas
        UT|America/Denver|Utah
        VT|America/New_York|Vermont
        VA|America/New_York|Virginia
        VI|America/Puerto_Rico|Virgin Islands,US Virgin Islands
        WA|America/Los_Angeles|Washington
        WV|America/New_York|West Virginia
        WI|America/Chicago|Wisconsin
        WY|America/Denver|Wyoming
        """,
    "CA": """
        AB|America/Edmonton|Alberta
        BC|America/Vancouver|British Columbia,Colombie Britannique
        MB|America/Winnipeg|Manitoba
        NB|America/Moncton|New Brunswick,Nouveau Brunswick
        NL|America/St_Johns|Newfoundland and Labrador,Newfoundland,Labrador,NF,Terre Neuve
        NS|America/Halifax|Nova Scotia,Nouvelle Ecosse
        NT|America/Edmonton|Northwest Territories,Territoires du Nord Ouest
        NU|America/Iqaluit|Nunavut
        ON|America/Toronto|Ontario
        PE|America/Halifax|Prince Edward Island,PEI
        QC|America/Toronto|Quebec,PQ
        SK|America/Regina|Saskatchewan
        YT|America/Whitehorse|Yukon,Yukon Territory,YK
        """,
    "MX": """
        BCN|America/Tijuana|Baja California,BC
        BCS|America/Mazatlan|Baja California Sur
        CHH|America/Chihuahua|Chihuahua,CHIH
        COA|America/Monterrey|Coahuila,Coahuila de Zaragoza,COAH
        NAY|America/Mazatlan|Nayarit
        NLE|America/Monterrey|Nuevo Leon,NL
        ROO|America/Cancun|Quintana Roo,Q ROO,QROO,QR
        SIN|America/Mazatlan|Sinaloa
        SON|America/Hermosillo|Sonora
        TAM|America/Monterrey|Tamaulipas,TAMPS
        """,
    "BR": """
        AC|America/Rio_Branco|Acre
        AL|America/Maceio|Alagoas
        AM|America/Manaus|Amazonas
        AP|America/Belem|Amapa
        BA|America/Bahia|Bahia
        CE|America/Fortaleza|Ceara
        MA|America/Fortaleza|Maranhao
        MS|America/Campo_Grande|Mato Grosso do Sul
        MT|America/Cuiaba|Mato Grosso
        PA|America/Belem|Para
        PB|America/Fortaleza|Paraiba
        PE|America/Recife|Pernambuco
        PI|America/Fortaleza|Piaui
        RN|America/Fortaleza|Rio Grande do Norte
        RO|America/Porto_Velho|Rondonia
        RR|America/Boa_Vista|Roraima
        SE|America/Maceio|Sergipe
        TO|America/Araguaina|Tocantins
        """,
    "AU": """
        ACT|Australia/Sydney|Australian Capital Territory
        NSW|Australia/Sydney|New South Wales
        NT|Australia/Darwin|Northern Territory
        QLD|Australia/Brisbane|Queensland
        SA|Australia/Adelaide|South Australia
        TAS|Australia/Hobart|Tasmania
        VIC|Australia/Melbourne|Victoria
        WA|Australia/Perth|Western Australia
        """,
    "ES": "CN|Atlantic/Canary|Canarias,Islas Canarias,Canary Islands,Las Palmas,GC,"
    "Gran Canaria,Santa Cruz de Tenerife,Tenerife,TF",
    "PT": """
        20|Atlantic/Azores|Acores,Azores,Regiao Autonoma dos Acores
        30|Atlantic/Madeira|Madeira,Regiao Autonoma da Madeira
        """,
}

_SPLITS = """
US-AK|America/Adak|99546 99547
US-AL|America/New_York|36854 36856 36863 36867 36868 36869 36870 36877
US-AZ|America/Denver|865 86020 86031 86033 86035 86044 86045 86053 86054
US-AZ|America/Phoenix|86502 86512
US-FL|America/Chicago|324 325
US-FL|America/New_York|32456 32457
US-ID|America/Los_Angeles|835 838
US-ID|America/Boise|83547 83549
US-IN|America/Chicago|463 464 476 477 46531 46532 46534 47514 47515 47520 47523 47525 47531
US-IN|America/Chicago|47536 47537 47550 47551 47552 47556 47574 47576 47577 47579 47586 47588
US-IN|America/Chicago|47922 47943 47948 47951 47963 47964 47977 47978
US-KS|America/Denver|67733 67735 67741 67758 67761 67762 67836 67857 67878 67879
US-KY|America/Chicago|420 421 422 423 424 40111 40115 40140 40143 40144 40145 40146 40152 40170
US-KY|America/Chicago|40171 40176 40178 42602 42603 42629 42642 42712 42713 42715 42717 42720
US-KY|America/Chicago|42721 42722 42726 42728 42729 42731 42741 42742 42743 42746 42749 42753
US-KY|America/Chicago|42754 42759 42762 42765 42782 42786
US-MI|America/Chicago|49801 49802 49812 49815 49821 49831 49834 49845 49847 49848 49852 49858
US-MI|America/Chicago|49863 49870 49873 49874 49876 49877 49881 49886 49887 49892 49893 49896
US-MI|America/Chicago|49902 49903 49911 49915 49920 49927 49935 49938 49947 49959 49964 49968 49969
US-ND|America/Denver|586 58529 58533 58562 58564 58569
US-ND|America/Chicago|58631 58638
US-NE|America/Denver|693 69021 69023 69027 69030 69033 69037 69041 69045 69121 69122 69125 69127
US-NE|America/Denver|69128 69129 69131 69133 69134 69140 69141 69144 69145 69146 69147 69148 69149
US-NE|America/Denver|69150 69152 69153 69154 69155 69156 69160 69162 69168 69211 69218
US-NV|America/Denver|89825 89883
US-OK|America/Denver|73946
US-OR|America/Boise|979
US-OR|America/Los_Angeles|97904 97905 97907
US-SD|America/Denver|576 577 57521 57543 57547 57551 57552 57553 57567 57574 57577
US-SD|America/Chicago|57601 57631 57632 57646 57648
US-TN|America/New_York|373 374 376 377 378 379
US-TN|America/Chicago|37301 37305 37306 37313 37318 37324 37327 37328 37330 37334 37335 37339
US-TN|America/Chicago|37340 37342 37345 37347 37348 37349 37352 37355 37356 37357 37359 37360
US-TN|America/Chicago|37365 37366 37367 37374 37375 37376 37378 37380 37382 37383 37387 37388
US-TN|America/Chicago|37389 37394 37396 37397 37398 37723
US-TX|America/Denver|799 885 79821 79835 79836 79837 79838 79839 79847 79849 79851 79853
CA-BC|America/Dawson_Creek|V0C V1G V1J
CA-BC|America/Fort_Nelson|V0C1R
CA-BC|America/Edmonton|V0A V0B V1A V1C
CA-BC|America/Creston|V0B1C V0B1G V0B1K V0B1W V0B2N
CA-NL|America/Goose_Bay|A0P A0R A2V
CA-NU|America/Rankin_Inlet|X0C
CA-NU|America/Cambridge_Bay|X0B
CA-NU|America/Resolute|X0A0V
CA-NU|America/Atikokan|X0C0C
CA-ON|America/Winnipeg|P0V P0W P0X P8N P8T P9A P9N P0T1T
CA-ON|America/Atikokan|P0T1C
CA-QC|America/Blanc-Sablon|G0G1C G0G1G G0G1N G0G1T G0G1W G0G2P G0G2R G0G2W
CA-QC|America/Halifax|G4T
CA-SK|America/Edmonton|S9V
MX-CHH|America/Ciudad_Juarez|320 321 322 323 324 325 326 327 31820 31830 31840
MX-CHH|America/Ojinaga|3288
MX-COA|America/Matamoros|260 261 262 263 264 265
MX-NAY|America/Bahia_Banderas|6373
MX-NLE|America/Matamoros|6503
MX-TAM|America/Matamoros|873 874 875 88
BR-AM|America/Eirunepe|6963 6964 6965 6985 6987 6988 6989
BR-PE|America/Noronha|53990
AU-NSW|Australia/Broken_Hill|2879 2880
AU-NSW|Australia/Lord_Howe|2898
AU-NSW|Pacific/Norfolk|2899
AU-WA|Australia/Eucla|6443
AU-WA|Indian/Christmas|6798
AU-WA|Indian/Cocos|6799
ES|Atlantic/Canary|35 38
FR|America/Guadeloupe|971
FR|America/Martinique|972
FR|America/Cayenne|973
FR|Indian/Reunion|974
FR|America/Miquelon|975
FR|Indian/Mayotte|976
FR|Pacific/Wallis|986
FR|Pacific/Tahiti|987
FR|Pacific/Noumea|988
PT|Atlantic/Madeira|90 91 92 93 94
PT|Atlantic/Azores|95 96 97 98 99
"""
"""Country and state, zone, postal prefixes; the longest prefix that fits wins."""

_FIRST_POSTAL_CODES = {
    # Where each state's codes begin, in order: for addresses that name no state.
    "US": "005 NY 006 PR 008 VI 009 PR 010 MA 028 RI 030 NH 039 ME 050 VT 060 CT 070 NJ 090 - "
    "100 NY 150 PA 197 DE 200 DC 206 MD 220 VA 247 WV 270 NC 290 SC 300 GA 320 FL 340 - 341 FL "
    "350 AL 370 TN 386 MS 398 GA 400 KY 430 OH 460 IN 480 MI 500 IA 530 WI 550 MN 570 SD 580 ND "
    "590 MT 600 IL 630 MO 660 KS 680 NE 700 LA 716 AR 730 OK 733 TX 734 OK 750 TX 800 CO 820 WY "
    "832 ID 840 UT 850 AZ 870 NM 885 TX 889 NV 900 CA 962 - 967 HI 96799 AS 968 HI 969 GU 970 OR "
    "980 WA 995 AK",
    "CA": "A NL B NS C PE E NB G QC K ON R MB S SK T AB V BC X0A NU X0D NT Y YT",
    "MX": "0 - 21 BCN 23 BCS 24 - 25 COA 28 - 31 CHH 34 - 63 NAY 64 NLE 68 - 77 ROO 78 - 80 SIN "
    "83 SON 86 - 87 TAM 90 -",
    "BR": "0 - 40 BA 49 SE 50 PE 57 AL 58 PB 59 RN 60 CE 64 PI 65 MA 66 PA 689 AP 690 AM 693 RR "
    "694 AM 699 AC 70 - 768 RO 77 TO 78 MT 79 MS 80 -",
    "AU": "08 NT 1 NSW 3 VIC 4 QLD 5 SA 6 WA 7 TAS",
}


def _parse_states() -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    zones: dict[str, str] = {}
    codes: dict[tuple[str, str], str] = {}
    for country, lines in _STATES.items():
        for line in lines.split("\n"):
            if line.strip():
                code, zone, names = line.strip().split("|")
                zones[f"{country}-{code}"] = zone
                codes |= {(country, _key(name)): code for name in (code, *names.split(","))}
    return zones, codes


def _parse_splits() -> dict[str, dict[str, str]]:
    splits: dict[str, dict[str, str]] = {}
    for line in _SPLITS.split():
        if "|" in line:
            area, zone, first = line.split("|")
            prefixes = splits.setdefault(area, {})
            line = first
        prefixes[line] = zone
    return splits


def _key(text: str) -> str:
    """Upper case without accents and punctuation, words one space apart; ``D.C.`` is one word."""
    plain = unicodedata.normalize("NFKD", text[:200]).replace(".", "")
    bare = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).upper().split())


_STATE_ZONES, _STATE_CODES = _parse_states()
_SPLIT_ZONES = _parse_splits()
ALL_ZONES: tuple[str, ...] = tuple(
    sorted(
        {*COUNTRIES.values(), *_STATE_ZONES.values(), "UTC"}.union(
            *(prefixes.values() for prefixes in _SPLIT_ZONES.values())
        )
        - {""}
    )
)
"""Every zone `zone_for` finds by an address; a seller's own default may be any other."""


def zone_for(*, country: str, state: str, postal_code: str, default: str) -> str:
    """The IANA zone of an address.

    ``country`` and ``state`` are codes or names in any case, as Amazon passes on what buyers typed.
    Where they tell nothing, the zone is ``default`` (the seller's), or ``UTC`` where that is none.
    Never raises.
    """
    area = _COUNTRY_NAMES.get(_key(country), _key(country))
    code = _key(postal_code).replace(" ", "")
    state_code = _state_code(area, state, code)
    if state_code:
        area = f"{area}-{state_code}"
    zone = _split_zone(area, code) or _STATE_ZONES.get(area) or COUNTRIES.get(area)
    return zone or (default if is_zone(default) else "UTC")


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of that name; never raises."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _state_code(country: str, state: str, postal_code: str) -> str:
    name = _key(state).removeprefix(f"{country} ")
    if known := _STATE_CODES.get((country, name)):
        return known
    starts = _FIRST_POSTAL_CODES.get(country, "").split()
    position = bisect_right(starts[::2], postal_code) - 1
    found = starts[1::2][position] if position >= 0 else "-"
    return "" if found == "-" else found


def _split_zone(area: str, postal_code: str) -> str:
    prefixes = _SPLIT_ZONES.get(area, {})
    lengths = range(min(len(postal_code), 5), 1, -1)
    return next((prefixes[p] for n in lengths if (p := postal_code[:n]) in prefixes), "")
