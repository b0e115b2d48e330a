"""AIS tables of research groups and open data sets. One entry per source, data only."""

from __future__ import annotations

from darkvoyage.io.dialect_codes import (
    AIS_CLASSES,
    ALL_SHIPS,
    CLASS_BY_MESSAGE,
    EXTENDED_MESSAGES,
    OTHER_MESSAGES,
    RAW_POSITION,
    SHIP_TYPES,
    STATIC_MESSAGES,
)
from darkvoyage.io.dialect_spec import Dialect, fields, marks

__all__ = ["RESEARCH"]

RESEARCH = (
    Dialect(
        name="gfw_positions",
        source="Global Fishing Watch position messages (pyseas, gpsdio-segment): BigQuery times, UTC",
        columns=fields(
            "mmsi=ssvid timestamp lat lon sog=speed cog=course heading receiver=receiver_type name=shipname"
        ),
        marks=marks("ssvid lat lon timestamp"),
    ),
    Dialect(
        name="gfw_research",
        source="Global Fishing Watch research messages (JAC_150_vessels): BigQuery times, UTC, some now day first",
        columns=fields(
            "mmsi=ssvid timestamp lat lon sog=speed_knots|speed cog=course heading nav_status=status "
            "ais_class=ais_class|type receiver=receiver_type imo name=shipname callsign ship_type=shiptype "
            "length_m=length beam_m=width destination draught_m=draught"
        ),
        marks=marks("ssvid timestamp lat lon type"),
        times=("iso", "day_first"),
        codes={"ais_class": AIS_CLASSES | CLASS_BY_MESSAGE, "ship_type": SHIP_TYPES | ALL_SHIPS},
        skip=("type", STATIC_MESSAGES),
        extended=EXTENDED_MESSAGES,
        keep=("type",),
    ),
    Dialect(
        name="epoch_positions",
        source="Global Fishing Watch pelagos samples (2012): epoch seconds, short names",
        columns=fields("mmsi timestamp lat=latitude lon=longitude sog cog heading=hdg nav_status=navstat"),
        marks=marks("mmsi timestamp latitude longitude navstat hdg"),
        times=("epoch_s",),
    ),
    Dialect(
        name="brest",
        source="Ray et al. 2019, heterogeneous data set of Brest, nari_dynamic (doi 10.5281/zenodo.1167595): epoch s",
        columns=fields(
            "mmsi=sourcemmsi timestamp=t lat lon sog=speedoverground cog=courseoverground heading=trueheading "
            "nav_status=navigationalstatus"
        ),
        marks=marks("sourcemmsi t lat lon"),
        times=("epoch_s",),
    ),
    Dialect(
        name="baltic",
        # The text comes first: the epoch is in part in scientific notation (1.522551e+12).
        source="Decoded Baltic reports (Argenni AIS_data_reconstruction): day-first text beside epoch ms, both UTC",
        columns=fields(
            "mmsi timestamp=timestamp_pretty|timestamp lat lon=long sog cog heading ais_class=targettype imo name "
            "callsign ship_type=shiptype draught_m=draught destination"
        ),
        marks=marks("mmsi timestamp_pretty targettype"),
        times=("day_first", "epoch_ms"),
        codes={"ship_type": SHIP_TYPES},
        dims=("dimbow", "dimstern", "dimport", "dimstarboard"),
        keep=("shiptype",),
    ),
    Dialect(
        name="ais_raw_units",
        source="Messages in the units of ITU-R M.1371-5, table 48: 1/10000 minute, tenths of knots and degrees",
        columns=fields(
            "mmsi timestamp lat=latitude lon=longitude sog=speed_over_ground cog=course_over_ground "
            "heading=true_heading nav_status=navigation_status ais_class=message_type"
        ),
        marks=marks("message_type mmsi navigation_status rate_of_turn speed_over_ground longitude latitude timestamp"),
        divisor={"lat": RAW_POSITION, "lon": RAW_POSITION, "sog": 10.0, "cog": 10.0},
        codes={"ais_class": CLASS_BY_MESSAGE},
        keep=("message_type",),
    ),
    Dialect(
        name="dma_resampled",
        source="Danish open AIS resampled to minutes (dark-vessel-hunter): speed in metres per second, course as sine "
        "and cosine, UTC",
        columns=fields("mmsi timestamp lat=latitude lon=longitude sog"),
        marks=marks("mmsi timestamp cog_sin cog_cos"),
        divisor={"sog": 1852.0 / 3600.0},
        course_parts=("cog_sin", "cog_cos"),
    ),
    Dialect(
        name="brest_static",
        source="Ray et al. 2019, heterogeneous data set of Brest, nari_static (doi 10.5281/zenodo.1167595): epoch s",
        columns=fields(
            "mmsi=sourcemmsi timestamp=t imo=imonumber name=shipname callsign ship_type=shiptype draught_m=draught "
            "destination"
        ),
        marks=marks("sourcemmsi imonumber shipname tobow tostern t"),
        times=("epoch_s",),
        dims=("tobow", "tostern", "toport", "tostarboard"),
        positions=False,
    ),
    Dialect(
        name="gpsdio",
        source="Decoded messages of gpsdio and of gpsd with a timestamp, one a line: names of gpsd, knots, UTC",
        columns=fields(
            "mmsi timestamp lat lon sog=speed cog=course heading nav_status=status ais_class=type imo name=shipname "
            "callsign ship_type=shiptype length_m=length beam_m=width draught_m=draught destination"
        ),
        marks=marks("mmsi timestamp lat lon type speed course"),
        codes={"ais_class": CLASS_BY_MESSAGE, "ship_type": SHIP_TYPES | ALL_SHIPS},
        dims=("to_bow", "to_stern", "to_port", "to_starboard"),
        skip=("type", STATIC_MESSAGES | OTHER_MESSAGES),
        extended=EXTENDED_MESSAGES,
        keep=("type",),
    ),
    Dialect(
        name="suez",
        source="Suez Canal in March 2021 (movingpandas examples): day first, to the minute, ids in place of MMSI",
        columns=fields("mmsi=id timestamp=ais_pos_timestamp lat=latitude lon=longitude"),
        marks=marks("id ais_pos_timestamp longitude latitude"),
        times=("day_first",),
        anonymous=True,
        keep=("id",),
    ),
    Dialect(
        name="aegean",
        source="Aegean tracks (M3-Archimedes AIS-trajectory-annotation), input: `id lon lat epoch`, no header",
        columns=fields("mmsi=column_1 timestamp=column_4 lat=column_3 lon=column_2"),
        marks=marks("column_1 column_2 column_3 column_4"),
        times=("epoch_s",),
        anonymous=True,
        named_only="a file without a header does not say which column is which",
        keep=("column_1",),
    ),
    Dialect(
        name="aegean_annotated",
        # Speed and course were derived from the positions; -1 stands for no course of a ship at rest.
        source="Aegean tracks (M3-Archimedes AIS-trajectory-annotation), annotated: epoch s, knots",
        columns=fields("mmsi=id timestamp=t lat lon sog=speed cog=heading"),
        marks=marks("id lon lat t speed heading annotation"),
        times=("epoch_s",),
        missing={"cog": (-1.0,)},
        anonymous=True,
        keep=("id",),
    ),
    Dialect(
        name="track_association",
        source="Track association sets (Vessel-Prediction-from-AIS-Data): tenths of knots and degrees",
        columns=fields("mmsi=vid timestamp=sequence_dttm lat lon sog=speed_over_ground cog=course_over_ground"),
        marks=marks("object_id vid sequence_dttm lat lon"),
        times=("clock",),
        divisor={"sog": 10.0, "cog": 10.0},
        anonymous=True,
        named_only="its times are hours of an unknown day, and are put on 1970-01-01",
        keep=("vid",),
    ),
)
"""Dialects of research groups."""
