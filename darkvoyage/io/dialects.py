"""What AIS tables look like in the wild: all dialects by name, data only.

Adding a source is adding one entry to the file of its kind and one fixture to the tests.
"""

from __future__ import annotations

from darkvoyage.io.dialect_codes import CLASS_BY_MESSAGE, EXTENDED_MESSAGES, OTHER_MESSAGES, STATIC_MESSAGES
from darkvoyage.io.dialect_spec import Dialect, fields, marks
from darkvoyage.io.dialects_public import PUBLIC
from darkvoyage.io.dialects_research import RESEARCH
from darkvoyage.io.dialects_vendors import VENDORS
from darkvoyage.schema.tables import FIXES

__all__ = ["DIALECTS", "GENERIC"]

_OWN_NAMES = fields(" ".join(FIXES.names))

GENERIC = Dialect(
    name="column_map", source="the caller's column_map", columns=_OWN_NAMES, marks=(), times=("iso", "epoch"), utc=False
)
"""What a column map is read with where no dialect fits: ISO 8601 with offset, or epoch seconds or milliseconds."""

_OWN = (
    Dialect(
        name="darkvoyage",
        source="the FIXES table of this project: ISO 8601 times, UTC where they carry no offset",
        columns=_OWN_NAMES,
        marks=marks("mmsi timestamp lat lon"),
    ),
)
_POINTS = (
    Dialect(
        name="geo_points",
        source="GeoPackage or GeoParquet of points with attributes under usual names; times with offset",
        columns=fields(
            "mmsi timestamp=timestamp|time|datetime|date_time sog=sog|speed_kn cog=cog|course heading=heading|hdg "
            "nav_status=nav_status|status ais_class imo name=name|vessel_name|shipname callsign=callsign|call_sign "
            "ship_type length_m beam_m draught_m destination"
        ),
        marks=marks("mmsi geometry_x geometry_y"),
        utc=False,
    ),
)
_LOGS = (
    Dialect(
        name="nmea",
        source="raw AIS logs of NMEA 0183 sentences (VDM, VDO), decoded: times of reception in UTC",
        columns=fields(
            "mmsi timestamp lat lon sog cog heading nav_status ais_class=message_type imo name callsign ship_type "
            "length_m=length beam_m=beam draught_m=draught destination"
        ),
        marks=marks("message_type mmsi timestamp callsign length beam draught station"),
        codes={"ais_class": CLASS_BY_MESSAGE},
        skip=("message_type", STATIC_MESSAGES | OTHER_MESSAGES),
        extended=EXTENDED_MESSAGES,
        keep=("message_type",),
    ),
)

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (*_OWN, *_LOGS, *PUBLIC, *VENDORS, *RESEARCH, *_POINTS)
}
"""All dialects by name; of two that fit a header equally well the first is taken."""
