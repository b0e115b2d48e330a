"""AIS tables of authorities: Denmark, the United States, Finland, Norway. One entry per source, data only."""

from __future__ import annotations

from darkvoyage.io.dialect_codes import AVIS_TYPES, CLASS_BY_MESSAGE, SHIP_TYPES, STATIC_MESSAGES
from darkvoyage.io.dialect_spec import Dialect, fields, marks

__all__ = ["PUBLIC"]

# MarineCadastre's course is a signed 12-bit number of tenths: 204.8 and above comes out 409.6 too low, "not available"
# (360.0) as -49.6. Speed is signed 10-bit: 51.2 kn and above comes out 102.4 too low, "not available" (102.3) as -0.1.
_CADASTRE_WRAP = {"cog": 409.6, "sog": 102.4}

PUBLIC = (
    Dialect(
        name="aisdk",
        source="Danish Maritime Authority, AIS archive, 26 columns (older files stop at 'Data source type'); UTC",
        columns=fields(
            "mmsi timestamp lat=latitude lon=longitude sog cog heading nav_status=navigational_status "
            "ais_class=type_of_mobile imo name callsign ship_type length_m=length beam_m=width draught_m=draught "
            "destination"
        ),
        marks=marks("timestamp type_of_mobile mmsi latitude longitude"),
        times=("day_first",),
        codes={"ship_type": SHIP_TYPES},
        dims=("a", "b", "c", "d"),
        keep=("type_of_mobile", "ship_type"),
    ),
    Dialect(
        name="marinecadastre",
        source="NOAA/USCG MarineCadastre.gov AIS, 2009-2023: BaseDateTime is UTC without suffix",
        columns=fields(
            "mmsi timestamp=basedatetime lat lon sog cog heading nav_status=status "
            "ais_class=transceiverclass|transcieverclass imo name=vesselname callsign ship_type=vesseltype "
            "length_m=length beam_m=width draught_m=draft destination"
        ),
        marks=marks("mmsi basedatetime"),
        wrap=_CADASTRE_WRAP,
        recode={"ship_type": AVIS_TYPES},
    ),
    Dialect(
        name="marinecadastre_2",
        source="NOAA/USCG MarineCadastre.gov AIS, csv2 reissue 2015-2026 and GeoParquet: longitude before latitude",
        columns=fields(
            "mmsi timestamp=base_date_time lat=latitude|lat lon=longitude|lon sog cog heading nav_status=status "
            "ais_class=transceiver|transceiver_class imo name=vessel_name callsign=call_sign ship_type=vessel_type "
            "length_m=length beam_m=width draught_m=draft destination"
        ),
        marks=marks("mmsi base_date_time"),
        wrap=_CADASTRE_WRAP,
        recode={"ship_type": AVIS_TYPES},
    ),
    Dialect(
        name="digitraffic",
        # `timestamp` is the second of the minute; the time of the position is timestampExternal, often years ago.
        source="Fintraffic Digitraffic, marine vessel locations as GeoJSON: epoch ms, UTC",
        columns=fields("mmsi timestamp=timestampexternal sog cog heading nav_status=navstat"),
        marks=marks("mmsi timestampexternal geometry_x geometry_y"),
        times=("epoch_ms",),
    ),
    Dialect(
        name="digitraffic_vessels",
        source="Fintraffic Digitraffic, marine vessel metadata as JSON: draught in decimetres, epoch ms, UTC "
        "(layout as published; no sample at hand)",
        columns=fields("mmsi timestamp imo name callsign ship_type=shiptype draught_m=draught destination"),
        marks=marks("mmsi timestamp shiptype draught referencepointa"),
        times=("epoch_ms",),
        divisor={"draught_m": 10.0},
        dims=("referencepointa", "referencepointb", "referencepointc", "referencepointd"),
        positions=False,
    ),
    Dialect(
        name="baltic_snapshot",
        source="Snapshot of the Baltic from Digitraffic (Anchor-Draggers): one time for the whole collection",
        columns=fields("mmsi timestamp=collection_timestamp lat lon sog cog heading ship_type name destination"),
        marks=marks("mmsi lat lon eta territorial_water_country_code collection_timestamp"),
        named_only="its positions carry no time of their own, and get the time of the collection",
    ),
    Dialect(
        name="barentswatch",
        # The unit of `draught` is not documented where we looked: it stays a column of the source's own.
        source="Kystverket open AIS through BarentsWatch, JSON: msgtime is ISO 8601 with offset (layout as published)",
        columns=fields(
            "mmsi timestamp=msgtime lat=latitude lon=longitude sog=speedoverground cog=courseoverground "
            "heading=trueheading nav_status=navigationalstatus ais_class=aisclass|messagetype imo=imonumber name "
            "callsign ship_type=shiptype destination"
        ),
        marks=marks("mmsi msgtime latitude longitude courseoverground"),
        codes={"ais_class": CLASS_BY_MESSAGE | {"a": "A", "b": "B"}},
        skip=("messagetype", STATIC_MESSAGES),
        keep=("messagetype",),
    ),
    Dialect(
        name="havbase",
        source="Kystverket historical AIS (HAVBASE), semicolon CSV: date_time_utc (layout as published)",
        columns=fields(
            "mmsi timestamp=date_time_utc lat lon sog cog heading=true_heading nav_status ais_class=message_nr "
            "imo=imo_nr length_m=length"
        ),
        marks=marks("mmsi date_time_utc lat lon message_nr"),
        codes={"ais_class": CLASS_BY_MESSAGE},
        keep=("message_nr",),
    ),
)
"""Dialects of authorities."""
