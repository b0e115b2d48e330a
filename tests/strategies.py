"""Tables for hypothesis: plain ones generated from the specifications, and FIXES with everything that goes wrong."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES

EPOCH = pd.Timestamp("2024-03-01", tz="UTC")
_US = 1_000_000
_BITS = {"int": 40, "Int64": 40, "Int16": 15, "Int8": 7}

SHIPS = (273123450, 636012345, 12345, 150402951)
EQUIPMENT = (992310001, 970123456, 111232501, 2320001, 823456789, 123456789)
RECEIVERS = ("terrestrial", "satellite", "dynamic", "unknown")


def _value(column):
    kind = column.kind
    if kind in _BITS:
        value = st.integers(0, 2 ** _BITS[kind] - 1)
    elif kind == "float":
        value = st.floats(-180, 180, allow_nan=False)
    elif kind in ("bool", "boolean"):
        value = st.booleans()
    elif kind == "time":
        value = st.integers(0, 10**13).map(lambda us: EPOCH + pd.Timedelta(us, unit="us"))
    elif kind == "list":
        value = st.lists(st.sampled_from(["a", "b"]), max_size=2)
    else:
        value = st.text("abcXYZ 0123456789-", max_size=6)
    return st.one_of(st.none(), value) if column.nullable else value


@st.composite
def tables(draw, spec, rows=4):
    """A table of the specification with all columns: right types, arbitrary values, nulls where allowed."""
    count = draw(st.integers(0, rows))
    data = {column.name: draw(st.lists(_value(column), min_size=count, max_size=count)) for column in spec.columns}
    return conform(pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()}), spec)


# Seconds from a few anchors: many ties, bunches of fixes, silences around 6 h, and long ones.
_times = st.builds(
    lambda anchor, offset, fine: anchor * 6 * 3600 * _US + offset * _US + fine,
    st.integers(0, 12),
    st.sampled_from([0, 0, 1, 60, 600, 3600]),
    st.sampled_from([0, 0, 0, 1, -1]),
)
_lats = st.sampled_from([0.0, 10.0, 10.01, 10.02, -89.99, 90.0, -90.0, 91.0, np.nan, np.inf])
_lons = st.sampled_from([0.0, 179.99, -179.99, 180.0, -180.0, 179.98, 181.0, 20.0, 20.01, np.nan])


@st.composite
def fixes(draw, *, max_rows=30, ships=SHIPS[:2] + SHIPS[3:], odd=True):
    """Few MMSI, equipment among them, clustered times with ties and repeats, positions at every edge.

    `odd=False` leaves out positions and MMSI that no ship has, and ties.
    """
    numbers = st.sampled_from(ships + (EQUIPMENT if odd else ()))
    near = st.floats(10, 10.02).map(lambda x: round(x, 4))
    lats = st.one_of(near, _lats) if odd else near
    lons = st.one_of(near, _lons) if odd else st.one_of(near, st.sampled_from([179.99, -179.99, 180.0]))
    row = st.tuples(numbers, _times, lats, lons)
    rows = draw(st.lists(row, max_size=max_rows, unique_by=None if odd else lambda x: x[:2]))
    if odd and rows:
        rows += draw(st.lists(st.sampled_from(rows), max_size=3))
    mmsi, time, lat, lon = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = pd.DataFrame(
        {
            "mmsi": np.array(mmsi, dtype="int64"),
            "timestamp": pd.to_datetime(np.array(time, dtype="int64"), unit="us", utc=True).as_unit("us")
            + (EPOCH - pd.Timestamp(0, tz="UTC")),
            "lat": np.array(lat, dtype="float64"),
            "lon": np.array(lon, dtype="float64"),
        }
    )
    optional = {
        "sog": st.sampled_from([0.0, 5.5, np.nan]),
        "cog": st.sampled_from([0.0, 359.9, np.nan]),
        "receiver": st.sampled_from([*RECEIVERS, None]),
        "draught_m": st.sampled_from([4.5, 7.25, np.nan]),
        "draught_timestamp": st.one_of(st.none(), _times),
        "destination": st.sampled_from(["KRPUS", "", None]),
        "nav_status": st.sampled_from([0, 5, None]),
        "ship_type": st.sampled_from([80, None]),
    }
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        values = draw(st.lists(optional[name], min_size=len(table), max_size=len(table)))
        if name == "draught_timestamp":
            values = [None if value is None else EPOCH + pd.Timedelta(value, unit="us") for value in values]
        table[name] = pd.Series(values, dtype=object)
    return conform(table, FIXES)
