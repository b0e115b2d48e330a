"""Every table of darkvoyage: its columns, their types, its key.

The column names are fixed: notebooks and pipelines are written against them. A column carries its unit as suffix
(`_kn _nm _h _m _m3 _deg _bbl _t`) unless it is one of `lat lon sog cog heading`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TABLES", "Column", "TableSpec"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
    kind : {"int", "Int64", "Int16", "Int8", "float", "bool", "boolean", "time", "text", "list"}
        `int` is int64 without nulls, `Int*` are pandas' nullable integers, `time` is datetime64[us, UTC],
        `text` is pandas' default string, `list` holds lists of strings.
    required : bool
        An input table without this column is refused.
    nullable : bool
        May hold nulls.
    """

    name: str
    kind: str
    required: bool = False
    nullable: bool = True


@dataclass(frozen=True)
class TableSpec:
    """A table: its name, columns in order, and the key its rows are sorted by."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names an input table must have."""
        return tuple(column.name for column in self.columns if column.required)


def _columns(text: str) -> tuple[Column, ...]:
    """Parse `name:kind` words; `!` marks required without nulls, `+` required but nullable, `.` never null."""
    out = []
    for word in text.split():
        name, _, kind = word.partition(":")
        mark = kind[-1]
        if mark in "!+.":
            kind = kind[:-1]
        out.append(Column(name, kind, required=mark in "!+", nullable=mark not in "!."))
    return tuple(out)


_END_STATE = "lat:float lon:float sog:float cog:float nav_status:Int8 draught_m:float destination:text"


def _both_ends(state: str) -> str:
    words = state.split()
    return " ".join([f"start_{word}" for word in words] + [f"end_{word}" for word in words])


FIXES = TableSpec(
    "FIXES",
    _columns(
        "mmsi:int! timestamp:time! lat:float+ lon:float+ sog:float cog:float heading:float nav_status:Int8 "
        "ais_class:text receiver:text imo:Int64 name:text callsign:text ship_type:Int16 length_m:float beam_m:float "
        "draught_m:float destination:text draught_timestamp:time destination_timestamp:time track_id:text flag:text"
    ),
    ("mmsi", "timestamp"),
)
PORTS = TableSpec(
    "PORTS",
    _columns(
        "port_id:text! name:text! kind:text country:text+ lat:float! lon:float! radius_nm:float! sensitive:bool! "
        "reason:text source:text geometry:text"
    ),
    ("port_id",),
)
SIGHTINGS = TableSpec(
    "SIGHTINGS",
    _columns(
        "sighting_id:text! timestamp:time! lat:float! lon:float! scene_id:text sensor:text length_m:float "
        "length_err_m:float beam_m:float heading:float confidence:float position_err_m:float load_state:text "
        "vessel_class:text merged:boolean mmsi:Int64 imo:Int64 source:text"
    ),
    ("sighting_id",),
)
SCENES = TableSpec(
    "SCENES",
    _columns(
        "scene_id:text! timestamp:time! footprint:text! sensor:text! clear_fraction:float gsd_m:float source:text"
    ),
    ("scene_id",),
)
VESSELS = TableSpec(
    "VESSELS",
    _columns(
        "mmsi:int! imo:Int64 name:text flag:text ship_type:Int16 length_m:float beam_m:float dwt_t:float "
        "draught_max_m:float cargo_capacity_m3:float service_speed_kn:float source:text"
    ),
    ("mmsi",),
)
WATCHLIST = TableSpec(
    "WATCHLIST",
    _columns(
        "list_name:text! program:text imo:Int64 mmsi:Int64 name:text+ aliases:text listed_on:time delisted_on:time "
        "source_sha256:text+"
    ),
    ("list_name", "name", "imo"),
)
GAPS = TableSpec(
    "GAPS",
    _columns(
        "gap_id:text! track_id:text! mmsi:int! gap_start:time! gap_end:time is_closed:bool! duration_h:float! "
        "distance_nm:float implied_speed_kn:float " + _both_ends(_END_STATE) + " "
        "start_draught_age_h:float end_draught_age_h:float "
        "fixes_before_12h:int. fixes_before_12h_ter:int. fixes_before_12h_sat:int. fixes_before_12h_dyn:int. "
        "fixes_after_12h:int. ais_class:text ship_type:Int16 length_m:float imo:Int64"
    ),
    ("mmsi", "gap_start", "gap_id"),
)
SILENCES = TableSpec(
    "SILENCES",
    _columns(
        "gap_id:text! expected_fixes:float neighbours_heard:int. p_silence_if_on:float llr_silence:float! "
        "p_off:float! reason:text"
    ),
    ("gap_id",),
)
PORT_CALLS = TableSpec(
    "PORT_CALLS",
    _columns(
        "gap_id:text! port_id:text hypothesis:text! sea_distance_nm:float required_speed_kn:float p_feasible:float "
        "slack_h:float arrive_earliest:time depart_latest:time p_call:float! p_call_prior:float sensitive:boolean "
        "llr_time:float llr_direction:float llr_speed:float llr_draught:float llr_destination:float llr_history:float"
    ),
    ("gap_id", "hypothesis", "port_id"),
)
LINKS = TableSpec(
    "LINKS",
    _columns(
        "gap_id:text sighting_id:text scene_id:text llr_position:float llr_length:float llr_beam:float "
        "llr_heading:float llr_class:float llr_load:float llr_total:float llr_absence:float p_link:float rank:Int64 "
        "port_id:text p_at_port:float p_at_port_prior:float llr_joint:float p_link_flat:float p_merged:float "
        "merged_with:text asserted:boolean "
        "explained_by:text p_broadcasting:float p_cut:float background_per_km2:float converged:boolean"
    ),
    ("sighting_id", "rank", "gap_id", "scene_id", "port_id"),
)
LINK_ALTERNATIVES = TableSpec(
    "LINK_ALTERNATIVES",
    _columns("scene_id:text! rank:int! llr_best:float! sighting_id:text! gap_id:text"),
    ("scene_id", "rank", "sighting_id"),
)
TRANSFERS = TableSpec(
    "TRANSFERS",
    _columns(
        "gap_id:text! port_id:text! mmsi:int! imo:Int64 track_id:text! gap_start:time! gap_end:time score:float! "
        "p_transfer:float! prior:float! llr_total:float! llr_silence:float llr_call:float llr_draught:float "
        "llr_sighting:float llr_absence:float llr_open:float llr_ship:float "
        "reasons:list innocent_explanations:list sighting_ids:list "
        "evidence_grade:text"
    ),
    ("mmsi", "gap_start", "gap_id", "port_id"),
)
CARGO = TableSpec(
    "CARGO",
    _columns(
        "gap_id:text! port_id:text! mmsi:int! track_id:text! call_time:time! p_transfer:float! dwt_t:float route:text "
        "load_state_before:text load_state_after:text p_loaded:float! cargo_t_p10:float cargo_t_p50:float "
        "cargo_t_p90:float barrels_p10:float barrels_p50:float barrels_p90:float product:text basis:text"
    ),
    ("mmsi", "call_time", "gap_id", "port_id"),
)
LEDGER = TableSpec(
    "LEDGER",
    _columns(
        "port_id:text route:text period_start:time! period_end:time! calls_seen:int! calls_estimated_p10:float "
        "calls_estimated_p50:float calls_estimated_p90:float barrels_p10:float barrels_p50:float barrels_p90:float "
        "cap_bbl:float p_exceeds_cap:float cap_crossed_on:time"
    ),
    ("period_start", "route", "port_id"),
)
SCREENING = TableSpec(
    "SCREENING",
    _columns(
        "mmsi:Int64 imo:Int64 list_name:text! program:text matched_by:text! matched_name:text listed_on:time "
        "event_time:time listed_at_event:boolean list_sha256:text"
    ),
    ("list_name", "matched_name", "mmsi", "imo", "event_time"),
)
PORT_VISITS = TableSpec(
    "PORT_VISITS",
    _columns(
        "visit_id:text! track_id:text! mmsi:int! port_id:text! arrive:time! depart:time stop_h:float. gap_h:float. "
        "confidence:int!"
    ),
    ("mmsi", "arrive", "visit_id"),
)
ENCOUNTERS = TableSpec(
    "ENCOUNTERS",
    _columns(
        "encounter_id:text! track_id_a:text! track_id_b:text! start_time:time! end_time:time! lat:float! lon:float! "
        "median_distance_nm:float! median_speed_kn:float! mmsi_a:int. mmsi_b:int. duration_h:float. "
        "median_speed_a_kn:float. median_speed_b_kn:float. fixes_a:int. fixes_b:int."
    ),
    ("start_time", "track_id_a", "track_id_b"),
)
LOITERING = TableSpec(
    "LOITERING",
    _columns(
        "loitering_id:text! track_id:text! start_time:time! end_time:time! lat:float! lon:float! duration_h:float! "
        "distance_nm:float! mean_speed_kn:float! mmsi:int. fixes:int."
    ),
    ("track_id", "start_time"),
)
DARK_MEETINGS = TableSpec(
    "DARK_MEETINGS",
    _columns(
        "meeting_id:text! gap_id:text! other_gap_id:text loitering_id:text mmsi:int! other_mmsi:int! "
        "earliest:time! latest:time! joint_h:float! lat:float! lon:float! p_feasible:float! p_met:float "
        "port_id:text draught_change_m:float other_draught_change_m:float direction:text llr_draught:float "
        "p_met_cut:float"
    ),
    ("gap_id", "other_mmsi", "meeting_id"),
)
UNTRUSTED = TableSpec(
    "UNTRUSTED",
    _columns(
        "track_id:text! mmsi:int! start_time:time! end_time:time! reason:text! fixes:int! detail:text confidence:float"
    ),
    ("track_id", "start_time", "reason"),
)
HISTORY = TableSpec(
    "HISTORY",
    _columns(
        "mmsi:int! port_id:text arrive:time depart:time stop_h:float gap_h:float wait_h:float confidence:Int64 "
        "load_state:text speed_kn:float speed_sd_kn:float speed_max_kn:float under_way_h:float "
        "ship_type:Int16 length_m:float"
    ),
    ("mmsi", "arrive", "port_id", "load_state"),
)
SEA_DISTANCES = TableSpec(
    "SEA_DISTANCES",
    _columns(
        "lat:float+ lon:float+ port_id:text! great_circle_nm:float could_nm:float likely_nm:float bearing_deg:float "
        "point_on_land:bool. port_on_land:bool."
    ),
    ("lat", "lon", "port_id"),
)
TRUTH = TableSpec(
    "TRUTH",
    _columns(
        "truth_id:text! kind:text! mmsi:int! imo:Int64 off_time:time! on_time:time gap_start:time gap_end:time "
        "port_id:text lat:float lon:float arrive:time depart:time other_mmsi:Int64 loaded:boolean cargo_t:float "
        "barrels:float draught_report:text destination_report:text"
    ),
    ("mmsi", "off_time", "kind"),
)
TRUTH_SIGHTINGS = TableSpec("TRUTH_SIGHTINGS", _columns("sighting_id:text! mmsi:Int64 what:text!"), ("sighting_id",))

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        FIXES, PORTS, SIGHTINGS, SCENES, VESSELS, WATCHLIST, GAPS, SILENCES, PORT_CALLS, LINKS, TRANSFERS, CARGO,
        LEDGER, SCREENING, PORT_VISITS, ENCOUNTERS, LOITERING, DARK_MEETINGS, UNTRUSTED, HISTORY, SEA_DISTANCES,
        LINK_ALTERNATIVES, TRUTH, TRUTH_SIGHTINGS,
    )
}  # fmt: skip
"""All table specifications by name."""
