import datetime as dt
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.schema.conform import TIME_DTYPE, conform, empty, finish, sort_rows
from darkvoyage.schema.tables import FIXES, LEDGER, PORTS, TABLES, Column, TableSpec
from darkvoyage.schema.times import time_us, utc_times


def fixes(**columns):
    base = {
        "mmsi": [273000001, 273000002],
        "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02"], utc=True),
        "lat": [1.0, 2.0],
        "lon": [3.0, 4.0],
    }
    return pd.DataFrame(base | columns)


STAMPS = [dt.datetime(2024, 1, 1, 0, tzinfo=dt.UTC), dt.datetime(2024, 1, 2, 0, tzinfo=dt.UTC)]
TOKYO = dt.timezone(dt.timedelta(hours=9))


@pytest.mark.parametrize(
    "times",
    [
        fixes()["timestamp"].dt.as_unit("ns"),
        fixes()["timestamp"].dt.as_unit("s"),
        fixes()["timestamp"].dt.tz_convert("Asia/Tokyo"),
        fixes()["timestamp"].dt.tz_convert(dt.UTC),
        fixes()["timestamp"].dt.tz_convert(zoneinfo.ZoneInfo("UTC")),
        pd.Series(STAMPS, dtype=object),
        pd.Series([STAMPS[0].astimezone(TOKYO), STAMPS[1]], dtype=object),
        fixes()["timestamp"].astype("category"),
        fixes()["timestamp"].convert_dtypes(dtype_backend="pyarrow"),
    ],
    ids=["ns", "s", "Tokyo", "datetime.UTC", "zoneinfo", "objects", "mixed zones", "categorical", "arrow"],
)
def test_times_of_any_kind_become_utc_microseconds(times):
    out = conform(fixes(timestamp=times), FIXES)["timestamp"]
    assert out.dtype == TIME_DTYPE
    # 2024-01-01 is 19,723 days after 1970.
    assert time_us(out).tolist() == [19723 * 86_400_000_000, 19724 * 86_400_000_000]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"timestamp": fixes()["timestamp"].dt.tz_localize(None)}, "timestamp.*naive"),
        ({"timestamp": pd.Series([STAMPS[0], STAMPS[1].replace(tzinfo=None)], dtype=object)}, "first bad row 1"),
        ({"timestamp": ["2024-01-01", "2024-01-02"]}, "timezone-aware"),
        ({"timestamp": [STAMPS[0], None]}, "no nulls.*first bad row 1"),
        ({"timestamp": [1, 2]}, "timezone-aware"),
        ({"mmsi": ["273000001", "x"]}, "'mmsi'.*expected int64"),
        ({"mmsi": [True, False]}, "'mmsi'.*expected int64"),
        ({"mmsi": [1.5, 2.0]}, "whole numbers.*first bad row 0: 1.5"),
        ({"mmsi": [1.0, np.nan]}, "without nulls.*first bad row 1"),
        ({"mmsi": [1.0, np.inf]}, "whole numbers.*first bad row 1"),
        ({"mmsi": [1.0, 1e19]}, "int64.*first bad row 1"),
        ({"lat": [1.0, "north"]}, "'lat'.*first bad row 1: 'north'"),
        ({"nav_status": [0, 300]}, "Int8.*first bad row 1: 300"),
        ({"name": [1, 2]}, "'name'.*expected text"),
        ({"name": ["A", 2]}, "'name'.*first bad row 1: 2"),
    ],
)
def test_refusals_name_table_column_and_row(columns, message):
    with pytest.raises(dv.SchemaError, match=message) as caught:
        conform(fixes(**columns), FIXES)
    assert str(caught.value).startswith("FIXES: column")


def test_missing_and_repeated_columns():
    with pytest.raises(dv.SchemaError, match=r"missing column\(s\) lat, lon; found columns: mmsi, timestamp"):
        conform(fixes()[["mmsi", "timestamp"]], FIXES)
    with pytest.raises(dv.SchemaError, match="'lat' occurs twice"):
        conform(pd.concat([fixes(), fixes()[["lat"]]], axis=1), FIXES)
    with pytest.raises(dv.SchemaError, match=r"expected a table.*got list"):
        conform([1], FIXES)


def test_nulls_where_none_are_allowed():
    ports = pd.DataFrame(
        {"port_id": ["A"], "name": ["a"], "country": ["RU"], "lat": [np.nan], "lon": [1.0], "radius_nm": [2.0]}
    ).assign(sensitive=True)
    with pytest.raises(dv.SchemaError, match=r"PORTS: column 'lat'.*no nulls"):
        conform(ports, PORTS)
    assert conform(fixes(lat=[np.nan, 1.0]), FIXES)["lat"].isna().tolist() == [True, False]


@pytest.mark.parametrize("kind", ["float32", "Float64", "category", "float64[pyarrow]", "object"])
def test_numbers_of_any_kind(kind):
    given = fixes().astype({"lat": kind, "mmsi": kind.replace("float", "int").replace("Float", "Int")})
    assert_frame_equal(conform(given, FIXES), conform(fixes(), FIXES))


def test_text_of_any_kind_and_extra_columns():
    text = pd.Series(["A", None])
    for series in (text, text.astype("category"), text.astype("string"), text.astype(object)):
        out = conform(fixes(name=series, mine=[[1], {"a": 2}]), FIXES)
        assert out["name"].dtype == "str"
        assert out["name"].isna().tolist() == [False, True]
        assert out["mine"].tolist() == [[1], {"a": 2}]


def test_a_column_of_nulls_takes_its_type():
    out = conform(fixes(imo=None, name=np.nan, draught_timestamp=pd.NaT, length_m=None), FIXES)
    assert [str(kind) for kind in out.dtypes[4:]] == ["Int64", "str", TIME_DTYPE, "float64"]


def test_the_callers_frame_stays_his():
    given = fixes(mmsi=[1.0, 2.0])
    out = conform(given, FIXES)
    out.loc[0, "lat"] = 9.0
    assert given["lat"].tolist() == [1.0, 2.0]
    assert given["mmsi"].dtype == "float64"


@pytest.mark.parametrize("spec", TABLES.values(), ids=lambda spec: spec.name)
def test_empty_tables(spec):
    table = empty(spec)
    assert tuple(table.columns) == spec.names
    assert_frame_equal(conform(table, spec), table)
    assert_frame_equal(finish({}, spec), table)


def test_finish_fills_orders_and_sorts():
    out = finish(
        {"mine": [1, 2], "calls_seen": [2, 1], "period_start": list(fixes()["timestamp"][::-1])}
        | {"period_end": STAMPS[1]},
        LEDGER,
    )
    assert list(out.columns) == [*LEDGER.names, "mine"]
    assert out["calls_seen"].tolist() == [1, 2]
    assert out["mine"].tolist() == [2, 1]
    assert out["barrels_p50"].isna().all()


SMALL = TableSpec("SMALL", (Column("k", "Int64"), Column("t", "time"), Column("x", "float")), ("k", "t"))


def test_sort_puts_nulls_last_and_ties_by_content():
    later, now = STAMPS[1], STAMPS[0]
    frame = conform(
        pd.DataFrame(
            {"k": [None, 2, 1, 2, 2, 2], "t": [now, None, later, now, now, now], "x": [1.0, 2, 3, np.nan, 5, 4]}
        ).astype({"k": "Int64"}),
        SMALL,
    )
    assert sort_rows(frame, SMALL.key)["x"].tolist()[:3] == [3.0, 4.0, 5.0]
    assert np.isnan(sort_rows(frame, SMALL.key)["x"][3])
    assert sort_rows(frame, SMALL.key)["x"].tolist()[4:] == [2.0, 1.0]


def test_ties_of_values_without_an_order():
    frame = pd.DataFrame({"k": [1, 1, 1], "x": [{"b": 1}, {"a": 1}, [2]]})
    assert sort_rows(frame, ("k",))["x"].tolist() == sort_rows(frame[::-1], ("k",))["x"].tolist()


def test_keys_too_wide_to_pack():
    # Two times that each may be anywhere in eight millennia need more than 63 bits together.
    first, last = pd.Timestamp("1000-01-01", tz="UTC"), pd.Timestamp("9000-01-01", tz="UTC")
    frame = pd.DataFrame({"a": [last, first, last], "b": [last, first, first], "x": [3, 1, 2]})
    frame = frame.astype({"a": TIME_DTYPE, "b": TIME_DTYPE})
    assert sort_rows(frame, ("a", "b"))["x"].tolist() == [1, 2, 3]
    assert sort_rows(frame.assign(x=[1, 2, 3]).sort_values("a"), ("a", "b"))["x"].tolist() == [2, 3, 1]


def test_time_round_trip():
    stamps = fixes()["timestamp"].dt.as_unit("us")
    assert utc_times(time_us(stamps)).tolist() == stamps.tolist()
    assert utc_times(np.array([0.0, 1e15]), np.array([True, False])).isna().tolist() == [False, True]
