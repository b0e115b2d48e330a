"""Words and numbers of AIS feeds for the codes of the AIS standard (ITU-R M.1371-5)."""

from __future__ import annotations

from darkvoyage.io.dialect_spec import STATIC_REPORT

__all__ = [
    "AIS_CLASSES", "ALL_SHIPS", "AVIS_TYPES", "CLASS_BY_MESSAGE", "EXTENDED_MESSAGES", "MARINETRAFFIC_TYPES",
    "OTHER_MESSAGES", "RAW_POSITION", "RECEIVERS", "SHIP_TYPES", "SOURCE_OF_SIGNAL", "STATIC_MESSAGES",
]  # fmt: skip

AIS_CLASSES: dict[str, str] = {"a": "A", "b": "B", "class a": "A", "class b": "B"}
"""Transponder class by its text."""

CLASS_BY_MESSAGE: dict[str, str] = {
    prefix + message: kind
    for prefix in ("", "ais.")
    for message, kind in {"1": "A", "2": "A", "3": "A", "5": "A", "18": "B", "19": "B", "24": "B"}.items()
}
"""Transponder class by the number of the message (ITU-R M.1371-5, table 46); 27 may come from either."""

RECEIVERS: dict[str, str] = {name: name for name in ("terrestrial", "satellite", "dynamic", "unknown")}
"""Kind of receiver by its text."""

SHIP_TYPES: dict[str, int] = {
    "wig": 20, "fishing": 30, "towing": 31, "towing long/wide": 32, "dredging": 33, "diving": 34, "military": 35,
    "sailing": 36, "pleasure": 37, "hsc": 40, "pilot": 50, "sar": 51, "tug": 52, "port tender": 53,
    "anti-pollution": 54, "law enforcement": 55, "medical": 58, "not party to conflict": 59, "passenger": 60,
    "cargo": 70, "tanker": 80, "other": 90,
    "law_enforcement": 55, "port_tender": 53, "anti_pollution": 54,
}  # fmt: skip
"""AIS ship type by its text: the first number of the class (ITU-R M.1371-5, table 53)."""

ALL_SHIPS: dict[str, int] = {f"{name}, all ships of this type": code for name, code in SHIP_TYPES.items()}
"""Spelling of gpsd and of Global Fishing Watch."""

MARINETRAFFIC_TYPES: dict[str, int] = SHIP_TYPES | {
    "tug/supply vessel": 52, "dredger": 33, "hopper dredger": 33, "motor hopper": 33, "diving support vessel": 34,
    "military ops": 35, "sailing vessel": 36, "pleasure craft": 37, "yacht": 37, "high speed craft": 40,
    "pilot vessel": 50, "supply tender": 53, "pollution control vessel": 54, "law enforce": 55, "passengers ship": 60,
    "ro-ro/passenger ship": 60, "passenger/cargo ship": 60, "bulk carrier": 70, "general cargo": 70,
    "container ship": 70, "cargo/containership": 70, "vehicles carrier": 70, "reefer": 70, "ro-ro cargo": 70,
    "ro-ro/container carrier": 70, "heavy lift vessel": 70, "livestock carrier": 70, "cement carrier": 70,
    "obo carrier": 70, "oil/chemical tanker": 80, "lpg tanker": 80, "lng tanker": 80, "oil products tanker": 80,
    "chemical tanker": 80, "crude oil tanker": 80, "asphalt/bitumen tanker": 80, "bunkering tanker": 80,
    "special vessel": 90, "supply vessel": 90, "utility vessel": 90, "construction support vessel": 90,
    "trenching support vessel": 90, "fire fighting vessel": 90, "local vessel": 90,
}  # fmt: skip
"""Ship types in the words of MarineTraffic."""

AVIS_TYPES: dict[int, int] = (
    dict.fromkeys((1001, 1002), 30)
    | dict.fromkeys((1003, 1004, 1016), 70)
    | dict.fromkeys((1012, 1013, 1014, 1015), 60)
    | dict.fromkeys((1017, 1024), 80)
    | dict.fromkeys((1023, 1025), 31)
    | {1019: 37}
    | dict.fromkeys((1005, 1006, 1007, 1008, 1009, 1010, 1011, 1018, 1020, 1021, 1022), 90)
)
"""Codes 1001 to 1025 of the US Coast Guard's vessel database, in MarineCadastre before 2018 (its vessel type table)."""

SOURCE_OF_SIGNAL: dict[str, str] = {
    "ter": "terrestrial",
    "sat": "satellite",
    "terrestrial": "terrestrial",
    "satellite": "satellite",
}
"""Kind of receiver as the vendors abbreviate it."""

RAW_POSITION = 600_000.0
"""1/10000 of a minute in a degree (ITU-R M.1371-5, table 48)."""

STATIC_MESSAGES: dict[str, str] = dict.fromkeys(("5", "24", "ais.5", "ais.24"), STATIC_REPORT)
"""Messages of static and voyage data without a position (ITU-R M.1371-5, table 46)."""

OTHER_MESSAGES: dict[str, str] = {
    str(number): "other_message" for number in (6, 7, 8, 10, *range(12, 18), 20, 22, 23, 25, 26)
}
"""Messages of text, binary data and network management."""

EXTENDED_MESSAGES: frozenset[str] = frozenset(("19", "ais.19"))
"""The position of a class B ship together with her static data."""
