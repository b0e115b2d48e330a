"""AIS tables of vendors and exchanges. One entry per source, data only."""

from __future__ import annotations

from darkvoyage.io.dialect_codes import (
    CLASS_BY_MESSAGE,
    EXTENDED_MESSAGES,
    MARINETRAFFIC_TYPES,
    OTHER_MESSAGES,
    RAW_POSITION,
    SHIP_TYPES,
    SOURCE_OF_SIGNAL,
    STATIC_MESSAGES,
)
from darkvoyage.io.dialect_spec import STATIC_REPORT, Dialect, Payload, fields, marks

__all__ = ["VENDORS"]

# rORBCOMM000 is terrestrial and rORBCOMM999 satellite in Global Fishing Watch's research messages.
_ORBCOMM_RECEIVERS = {
    "orbcomm-t": "terrestrial",
    "orbcomm-s": "satellite",
    "rorbcomm000": "terrestrial",
    "rorbcomm999": "satellite",
}

_AISHUB = fields(
    "mmsi timestamp=tstamp|time lat=latitude lon=longitude sog cog heading nav_status=navstat imo name callsign "
    "ship_type=type draught_m=draught destination=dest"
)

_AISSTREAM_CLASSES = {
    "positionreport": "A",
    "shipstaticdata": "A",
    "standardclassbpositionreport": "B",
    "extendedclassbpositionreport": "B",
    "staticdatareport": "B",
}
_AISSTREAM_OTHERS = (
    "addressedsafetymessage", "addressedbinarymessage", "assignedmodecommand", "binaryacknowledge",
    "binarybroadcastmessage", "channelmanagement", "coordinatedutcinquiry", "datalinkmanagementmessage",
    "datalinkmanagementmessagedata", "gnssbroadcastbinarymessage", "groupassignmentcommand", "interrogation",
    "multislotbinarymessage", "safetybroadcastmessage", "singleslotbinarymessage", "unknownmessage",
)  # fmt: skip

VENDORS = (
    Dialect(
        name="marinetraffic",
        source="MarineTraffic bulk export (SPEED_KNOTSx10, DRAUGHT_METERSx10, TIMESTAMP_UTC; NULL as text)",
        columns=fields(
            "mmsi timestamp=timestamp_utc|timestamp lat lon sog=speed_knotsx10 cog=course heading nav_status=status "
            "imo name=shipname|ship_name callsign ship_type=vessel_type|type length_m=length beam_m=width "
            "draught_m=draught_metersx10 destination"
        ),
        marks=marks("mmsi lat lon speed_knotsx10"),
        divisor={"sog": 10.0, "draught_m": 10.0},
        codes={"ship_type": MARINETRAFFIC_TYPES},
        keep=("vessel_type", "type", "status"),
    ),
    Dialect(
        name="marinetraffic_api",
        source="MarineTraffic vessel positions services (PS01 and its like) and their JSON dumps: SPEED in tenths of a "
        "knot, DRAUGHT in tenths of a metre, UTC",
        columns=fields(
            "mmsi timestamp lat lon sog=speed cog=course heading nav_status=status receiver=dsrc imo name=shipname "
            "callsign ship_type=shiptype length_m=length beam_m=width draught_m=draught destination"
        ),
        marks=marks("mmsi timestamp lat lon speed stationid", "mmsi timestamp lat lon speed ship_id"),
        times=("iso", "epoch_s"),
        divisor={"sog": 10.0, "draught_m": 10.0},
        codes={"receiver": SOURCE_OF_SIGNAL},
        keep=("status",),
    ),
    Dialect(
        name="orbcomm",
        source="ORBCOMM 5-minute averages (PERIOD, LAT_AVG, LON_AVG), UTC",
        columns=fields(
            "mmsi timestamp=period lat=lat_avg lon=lon_avg sog=speed_knots cog=cog_deg heading=heading_deg "
            "nav_status ais_class=msg_type receiver imo=imo_number name callsign=call_sign "
            "ship_type=ship_and_cargo_type length_m=length beam_m=beam draught_m=draught destination"
        ),
        marks=marks("mmsi period lat_avg lon_avg"),
        codes={
            "ais_class": CLASS_BY_MESSAGE,
            "receiver": _ORBCOMM_RECEIVERS,
        },
        dims=("dim_bow", "dim_stern", "dim_port", "dim_starboard"),
        keep=("msg_type", "receiver"),
    ),
    Dialect(
        name="exactearth",
        source="exactEarth/Spire decoded archive, 139 columns: Time as YYYYMMDD_HHMMSS UTC, all messages in one table",
        columns=fields(
            "mmsi timestamp=time lat=latitude lon=longitude sog cog heading nav_status=navigational_status "
            "ais_class=message_id imo name=vessel_name callsign=call_sign ship_type draught_m=draught destination"
        ),
        marks=marks("mmsi message_id time millisecond longitude latitude"),
        times=("compact",),
        divisor={"draught_m": 10.0},
        missing={"sog": (63.0,)},  # message 27, ITU-R M.1371-5, table 75
        codes={"ais_class": CLASS_BY_MESSAGE},
        dims=("dimension_to_bow", "dimension_to_stern", "dimension_to_port", "dimension_to_starboard"),
        skip=("message_id", STATIC_MESSAGES | OTHER_MESSAGES),
        extended=EXTENDED_MESSAGES,
        keep=("message_id",),
    ),
    Dialect(
        name="marinetraffic_toolbox",
        # Published are heading, course and speed after the position; in the sample that goes with it the fourth part is
        # the speed (0.26 kn from that between positions, median of 2,460). So these stay columns of the source's own.
        source="MarineTraffic AIS toolbox (mt-ais-toolbox), decoded messages with a nested payload: epoch ms",
        columns=fields(
            "mmsi timestamp=t lat=data_lat lon=data_lon ais_class=type imo=data_imo name=data_shipname "
            "callsign=data_callsign ship_type=data_shiptype draught_m=data_draught destination=data_destination"
        ),
        marks=marks("t station channel_code mmsi type data_type data"),
        times=("epoch_ms",),
        codes={"ais_class": CLASS_BY_MESSAGE},
        dims=("data_to_bow", "data_to_stern", "data_to_port", "data_to_starboard"),
        skip=("data_type", {"0": STATIC_REPORT}),
        payload=Payload(
            column="data",
            delimiter=";",
            selector="data_type",
            layouts={
                "0": "imo;shiptype;to_bow;to_stern;to_port;to_starboard;callsign;shipname;draught;destination;"
                "eta_month;eta_day;eta_hour;eta_minute",
                "1": "lon;lat;part_3;part_4;part_5;part_6;part_7;part_8",
            },
        ),
        keep=("type",),
    ),
    Dialect(
        name="spire",
        source="Spire/FleetMon export: TimePosition beside TimeVoyage, the age of draught and destination; UTC "
        "(published header; no sample at hand)",
        columns=fields(
            "mmsi timestamp=timeposition lat=latitude lon=longitude sog=speed cog=course heading nav_status=navstatus "
            "imo name callsign ship_type=vesseltype draught_m=draught destination draught_timestamp=timevoyage "
            "destination_timestamp=timevoyage"
        ),
        marks=marks("mmsi timeposition latitude longitude"),
        codes={"ship_type": SHIP_TYPES},
        keep=("vesseltype",),
    ),
    Dialect(
        name="vesselfinder",
        source="VesselFinder and VT Explorer API, AIS data set: UTC, knots, metres (api.vesselfinder.com/docs; "
        "no sample at hand)",
        columns=fields(
            "mmsi timestamp lat=latitude lon=longitude sog=speed cog=course heading nav_status=navstat receiver=src "
            "imo name callsign ship_type=type draught_m=draught destination"
        ),
        marks=marks("mmsi timestamp latitude longitude course speed navstat"),
        codes={"receiver": SOURCE_OF_SIGNAL},
        dims=("a", "b", "c", "d"),
    ),
    Dialect(
        name="aishub",
        source="AISHub web service, human readable format: degrees, knots, metres, times in GMT (aishub.net/api; "
        "no sample at hand)",
        columns=_AISHUB,
        marks=marks("mmsi tstamp latitude longitude navstat", "mmsi time latitude longitude navstat"),
        dims=("a", "b", "c", "d"),
        raw="aishub_raw",
    ),
    Dialect(
        name="aishub_raw",
        source="AISHub web service, AIS encoding: 1/10000 minute, tenths of knots, degrees and metres, epoch s "
        "(aishub.net/api; no sample at hand)",
        columns=_AISHUB,
        marks=marks("mmsi tstamp latitude longitude navstat", "mmsi time latitude longitude navstat"),
        times=("epoch_s",),
        divisor={"lat": RAW_POSITION, "lon": RAW_POSITION, "sog": 10.0, "cog": 10.0, "draught_m": 10.0},
        dims=("a", "b", "c", "d"),
    ),
    Dialect(
        name="aisstream",
        source="aisstream.io, one message a line: UTC in the spelling of Go (published models; no sample at hand)",
        columns=fields(
            "mmsi=metadata_mmsi|message_userid timestamp=metadata_time_utc lat=message_latitude|metadata_latitude "
            "lon=message_longitude|metadata_longitude sog=message_sog cog=message_cog heading=message_trueheading "
            "nav_status=message_navigationalstatus ais_class=messagetype imo=message_imonumber "
            "name=message_name|message_reporta_name|metadata_shipname "
            "callsign=message_callsign|message_reportb_callsign "
            "ship_type=message_type|message_reportb_shiptype draught_m=message_maximumstaticdraught "
            "destination=message_destination"
        ),
        marks=marks("messagetype metadata_mmsi metadata_time_utc"),
        merge=frozenset(("name", "callsign", "ship_type")),
        codes={"ais_class": _AISSTREAM_CLASSES},
        dims=(
            "message_dimension_a|message_reportb_dimension_a",
            "message_dimension_b|message_reportb_dimension_b",
            "message_dimension_c|message_reportb_dimension_c",
            "message_dimension_d|message_reportb_dimension_d",
        ),
        skip=(
            "messagetype",
            dict.fromkeys(("shipstaticdata", "staticdatareport"), STATIC_REPORT)
            | dict.fromkeys(_AISSTREAM_OTHERS, "other_message"),
        ),
        extended=frozenset(("extendedclassbpositionreport",)),
        keep=("messagetype",),
    ),
)
"""Dialects of vendors and exchanges."""
