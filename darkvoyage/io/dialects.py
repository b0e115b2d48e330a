"""What AIS tables look like in the wild: one entry per source, data only.

A dialect names the source columns of each field of FIXES and says how their values are written. Adding a source is
adding one entry here and one fixture to the tests. Column names are compared in lower case with everything but letters
and digits as one underscore (`# Timestamp` is `timestamp`, `BaseDateTime` is `basedatetime`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from darkvoyage.schema.tables import FIXES

__all__ = ["AIS_CLASSES", "DIALECTS", "GENERIC", "RECEIVERS", "SHIP_TYPES", "Dialect"]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one source writes AIS fixes.

    Parameters
    ----------
    name : str
    source : str
        Where the layout is published or was observed.
    columns : mapping of FIXES field to names of source columns
        In order of preference; the first that a file has is taken.
    marks : tuple of frozenset of str
        A header belongs to the dialect if it has all names of one of these sets.
    times : tuple of {"iso", "day_first", "compact", "epoch_s", "epoch_ms", "epoch"}
        How times are written, tried in this order; `epoch` tells seconds from milliseconds by size.
    utc : bool
        Times without an offset are UTC by the definition of the source. Otherwise they are refused.
    divisor : mapping of field to float
        Source units in one unit of FIXES: 10 where a speed is in tenths of a knot.
    wrap : mapping of field to float
        Added to negative values, which are an overflow of the publisher's own conversion.
    missing : mapping of field to tuple of float
        Values that stand for "not available", beyond those of the AIS standard, in units of FIXES.
    codes : mapping of field to mapping of text to value
        Values in words, in lower case. What is not listed becomes null and is counted.
    recode : mapping of field to mapping of int to int
        Numbers of the source's own that stand for a code of the AIS standard.
    dims : tuple of four str, optional
        Distances from the antenna to bow, stern, port and starboard [m]: they give length and beam where these lack.
    course_parts : tuple of two str, optional
        Sine and cosine of the course over ground.
    skip : (column, mapping of value to reason), optional
        Rows that are no position reports.
    keep : tuple of str
        Source columns that are delivered under their own name although they are translated as well.
    """

    name: str
    source: str
    columns: Mapping[str, tuple[str, ...]]
    marks: tuple[frozenset[str], ...]
    times: tuple[str, ...] = ("iso",)
    utc: bool = True
    divisor: Mapping[str, float] = field(default_factory=dict)
    wrap: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    recode: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    dims: tuple[str, str, str, str] | None = None
    course_parts: tuple[str, str] | None = None
    skip: tuple[str, Mapping[str, str]] | None = None
    keep: tuple[str, ...] = ()


def _fields(text: str) -> dict[str, tuple[str, ...]]:
    """Parse `field=column|column` words; a bare word is a field whose column has the same name."""
    out = {}
    for word in text.split():
        name, _, sources = word.partition("=")
        out[name] = tuple(sources.split("|")) if sources else (name,)
    return out


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(text.split()) for text in sets)


AIS_CLASSES: dict[str, str] = {"a": "A", "b": "B", "class a": "A", "class b": "B"}
"""Transponder class by its text."""

_CLASS_BY_MESSAGE: dict[str, str] = {
    prefix + message: kind
    for prefix in ("", "ais.")
    for message, kind in {"1": "A", "2": "A", "3": "A", "5": "A", "18": "B", "19": "B", "24": "B"}.items()
}
# ITU-R M.1371-5, table 46: the message tells the class, except 27, which either class may send.

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

_ALL_SHIPS = {f"{name}, all ships of this type": code for name, code in SHIP_TYPES.items()}

_MARINETRAFFIC_TYPES: dict[str, int] = SHIP_TYPES | {
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

# Codes 1001 to 1025 of the US Coast Guard's vessel database, in MarineCadastre before 2018 (its vessel type table).
_AVIS_TYPES: dict[int, int] = (
    dict.fromkeys((1001, 1002), 30)
    | dict.fromkeys((1003, 1004, 1016), 70)
    | dict.fromkeys((1012, 1013, 1014, 1015), 60)
    | dict.fromkeys((1017, 1024), 80)
    | dict.fromkeys((1023, 1025), 31)
    | {1019: 37}
    | dict.fromkeys((1005, 1006, 1007, 1008, 1009, 1010, 1011, 1018, 1020, 1021, 1022), 90)
)

# MarineCadastre's course is a signed 12-bit number of tenths: 204.8 and above comes out 409.6 too low, "not available"
# (360.0) as -49.6. Speed is signed 10-bit: 51.2 kn and above comes out 102.4 too low, "not available" (102.3) as -0.1.
_CADASTRE_WRAP = {"cog": 409.6, "sog": 102.4}

_RAW_POSITION = 600_000.0  # 1/10000 of a minute in a degree (ITU-R M.1371-5, table 48)

# rORBCOMM000 is terrestrial and rORBCOMM999 satellite in Global Fishing Watch's research messages.
_ORBCOMM_RECEIVERS = {
    "orbcomm-t": "terrestrial",
    "orbcomm-s": "satellite",
    "rorbcomm000": "terrestrial",
    "rorbcomm999": "satellite",
}

_STATIC = dict.fromkeys(("5", "24", "ais.5", "ais.24"), "static_message")
_TEXT_AND_BINARY = {str(number): "other_message" for number in (6, 7, 8, 10, *range(12, 18), 20, 22, 23, 25, 26)}

_OWN_NAMES = _fields(" ".join(FIXES.names))

GENERIC = Dialect(
    name="column_map", source="the caller's column_map", columns=_OWN_NAMES, marks=(), times=("iso", "epoch"), utc=False
)
"""What a column map is read with where no dialect fits: ISO 8601 with offset, or epoch seconds or milliseconds."""

_ALL = (
    Dialect(
        name="darkvoyage",
        source="the FIXES table of this project: ISO 8601 times, UTC where they carry no offset",
        columns=_OWN_NAMES,
        marks=_marks("mmsi timestamp lat lon"),
    ),
    Dialect(
        name="aisdk",
        source="Danish Maritime Authority, AIS archive, 26 columns (older files stop at 'Data source type'); UTC",
        columns=_fields(
            "mmsi timestamp lat=latitude lon=longitude sog cog heading nav_status=navigational_status "
            "ais_class=type_of_mobile imo name callsign ship_type length_m=length beam_m=width draught_m=draught "
            "destination"
        ),
        marks=_marks("timestamp type_of_mobile mmsi latitude longitude"),
        times=("day_first",),
        codes={"ship_type": SHIP_TYPES},
        dims=("a", "b", "c", "d"),
        keep=("type_of_mobile", "ship_type"),
    ),
    Dialect(
        name="marinecadastre",
        source="NOAA/USCG MarineCadastre.gov AIS, 2009-2023: BaseDateTime is UTC without suffix",
        columns=_fields(
            "mmsi timestamp=basedatetime lat lon sog cog heading nav_status=status "
            "ais_class=transceiverclass|transcieverclass imo name=vesselname callsign ship_type=vesseltype "
            "length_m=length beam_m=width draught_m=draft destination"
        ),
        marks=_marks("mmsi basedatetime"),
        wrap=_CADASTRE_WRAP,
        recode={"ship_type": _AVIS_TYPES},
    ),
    Dialect(
        name="marinecadastre_2",
        source="NOAA/USCG MarineCadastre.gov AIS, csv2 reissue 2015-2026 and GeoParquet: longitude before latitude",
        columns=_fields(
            "mmsi timestamp=base_date_time lat=latitude|lat lon=longitude|lon sog cog heading nav_status=status "
            "ais_class=transceiver|transceiver_class imo name=vessel_name callsign=call_sign ship_type=vessel_type "
            "length_m=length beam_m=width draught_m=draft destination"
        ),
        marks=_marks("mmsi base_date_time"),
        wrap=_CADASTRE_WRAP,
        recode={"ship_type": _AVIS_TYPES},
    ),
    Dialect(
        name="gfw_positions",
        source="Global Fishing Watch position messages (pyseas, gpsdio-segment): BigQuery times, UTC",
        columns=_fields(
            "mmsi=ssvid timestamp lat lon sog=speed cog=course heading receiver=receiver_type name=shipname"
        ),
        marks=_marks("ssvid lat lon timestamp"),
    ),
    Dialect(
        name="gfw_research",
        source="Global Fishing Watch research messages (JAC_150_vessels): BigQuery times, UTC, some now day first",
        columns=_fields(
            "mmsi=ssvid timestamp lat lon sog=speed_knots|speed cog=course heading nav_status=status "
            "ais_class=ais_class|type receiver=receiver_type imo name=shipname callsign ship_type=shiptype "
            "length_m=length beam_m=width destination"
        ),
        marks=_marks("ssvid timestamp lat lon type"),
        times=("iso", "day_first"),
        codes={"ais_class": AIS_CLASSES | _CLASS_BY_MESSAGE, "ship_type": SHIP_TYPES | _ALL_SHIPS},
        skip=("type", _STATIC),
        keep=("type",),
    ),
    Dialect(
        name="baltic",
        # The text comes first: the epoch is in part in scientific notation (1.522551e+12).
        source="Decoded Baltic reports (Argenni AIS_data_reconstruction): day-first text beside epoch ms, both UTC",
        columns=_fields(
            "mmsi timestamp=timestamp_pretty|timestamp lat lon=long sog cog heading ais_class=targettype imo name "
            "callsign ship_type=shiptype draught_m=draught destination"
        ),
        marks=_marks("mmsi timestamp_pretty targettype"),
        times=("day_first", "epoch_ms"),
        codes={"ship_type": SHIP_TYPES},
        dims=("dimbow", "dimstern", "dimport", "dimstarboard"),
        keep=("shiptype",),
    ),
    Dialect(
        name="marinetraffic",
        source="MarineTraffic bulk export (SPEED_KNOTSx10, DRAUGHT_METERSx10, TIMESTAMP_UTC; NULL as text)",
        columns=_fields(
            "mmsi timestamp=timestamp_utc|timestamp lat lon sog=speed_knotsx10 cog=course heading nav_status=status "
            "imo name=shipname|ship_name callsign ship_type=vessel_type|type length_m=length beam_m=width "
            "draught_m=draught_metersx10 destination"
        ),
        marks=_marks("mmsi lat lon speed_knotsx10"),
        divisor={"sog": 10.0, "draught_m": 10.0},
        codes={"ship_type": _MARINETRAFFIC_TYPES},
        keep=("vessel_type", "type", "status"),
    ),
    Dialect(
        name="marinetraffic_api",
        source="MarineTraffic vessel positions service (PS01) and its JSON dumps: SPEED in tenths of a knot, UTC",
        columns=_fields(
            "mmsi timestamp lat lon sog=speed cog=course heading nav_status=status imo name=shipname callsign "
            "ship_type=shiptype"
        ),
        marks=_marks("mmsi timestamp lat lon speed stationid", "mmsi timestamp lat lon speed ship_id"),
        times=("iso", "epoch_s"),
        divisor={"sog": 10.0},
        keep=("status",),
    ),
    Dialect(
        name="ais_raw_units",
        source="Messages in the units of ITU-R M.1371-5, table 48: 1/10000 minute, tenths of knots and degrees",
        columns=_fields(
            "mmsi timestamp lat=latitude lon=longitude sog=speed_over_ground cog=course_over_ground "
            "heading=true_heading nav_status=navigation_status ais_class=message_type"
        ),
        marks=_marks("message_type mmsi navigation_status rate_of_turn speed_over_ground longitude latitude timestamp"),
        divisor={"lat": _RAW_POSITION, "lon": _RAW_POSITION, "sog": 10.0, "cog": 10.0},
        codes={"ais_class": _CLASS_BY_MESSAGE},
        keep=("message_type",),
    ),
    Dialect(
        name="epoch_positions",
        source="Global Fishing Watch pelagos samples (2012): epoch seconds, short names",
        columns=_fields("mmsi timestamp lat=latitude lon=longitude sog cog heading=hdg nav_status=navstat"),
        marks=_marks("mmsi timestamp latitude longitude navstat hdg"),
        times=("epoch_s",),
    ),
    Dialect(
        name="orbcomm",
        source="ORBCOMM 5-minute averages (PERIOD, LAT_AVG, LON_AVG), UTC",
        columns=_fields(
            "mmsi timestamp=period lat=lat_avg lon=lon_avg sog=speed_knots cog=cog_deg heading=heading_deg "
            "nav_status ais_class=msg_type receiver imo=imo_number name callsign=call_sign "
            "ship_type=ship_and_cargo_type length_m=length beam_m=beam draught_m=draught destination"
        ),
        marks=_marks("mmsi period lat_avg lon_avg"),
        codes={
            "ais_class": _CLASS_BY_MESSAGE,
            "receiver": _ORBCOMM_RECEIVERS,
        },
        dims=("dim_bow", "dim_stern", "dim_port", "dim_starboard"),
        keep=("msg_type", "receiver"),
    ),
    Dialect(
        name="brest",
        source="Ray et al. 2019, heterogeneous data set of Brest, nari_dynamic (doi 10.5281/zenodo.1167595): epoch s",
        columns=_fields(
            "mmsi=sourcemmsi timestamp=t lat lon sog=speedoverground cog=courseoverground heading=trueheading "
            "nav_status=navigationalstatus"
        ),
        marks=_marks("sourcemmsi t lat lon"),
        times=("epoch_s",),
    ),
    Dialect(
        name="dma_resampled",
        source="Danish open AIS resampled to minutes (dark-vessel-hunter): speed in metres per second, course as sine "
        "and cosine, UTC",
        columns=_fields("mmsi timestamp lat=latitude lon=longitude sog"),
        marks=_marks("mmsi timestamp cog_sin cog_cos"),
        divisor={"sog": 1852.0 / 3600.0},
        course_parts=("cog_sin", "cog_cos"),
    ),
    Dialect(
        name="exactearth",
        source="exactEarth/Spire decoded archive, 139 columns: Time as YYYYMMDD_HHMMSS UTC, all messages in one table",
        columns=_fields(
            "mmsi timestamp=time lat=latitude lon=longitude sog cog heading nav_status=navigational_status "
            "ais_class=message_id imo name=vessel_name callsign=call_sign ship_type draught_m=draught destination"
        ),
        marks=_marks("mmsi message_id time millisecond longitude latitude"),
        times=("compact",),
        divisor={"draught_m": 10.0},
        missing={"sog": (63.0,)},  # message 27, ITU-R M.1371-5, table 75
        codes={"ais_class": _CLASS_BY_MESSAGE},
        dims=("dimension_to_bow", "dimension_to_stern", "dimension_to_port", "dimension_to_starboard"),
        skip=("message_id", _STATIC | _TEXT_AND_BINARY),
        keep=("message_id",),
    ),
    Dialect(
        name="geo_points",
        source="GeoPackage or GeoParquet of points with attributes under usual names; times with offset",
        columns=_fields(
            "mmsi timestamp=timestamp|time|datetime|date_time sog=sog|speed_kn cog=cog|course heading=heading|hdg "
            "nav_status=nav_status|status ais_class imo name=name|vessel_name|shipname callsign=callsign|call_sign "
            "ship_type length_m beam_m draught_m destination"
        ),
        marks=_marks("mmsi geometry_x geometry_y"),
        utc=False,
    ),
)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _ALL}
"""All dialects by name."""
