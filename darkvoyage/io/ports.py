"""Ports from files people have, and the bundled list of places that sanctions work names.

"Sensitive" means: named in, or directly covered by, published sanctions work (a resolution, a regulation, an advisory,
a report of experts or of investigators), as `reason` and `source` say. It says nothing about any ship, nor about any
call: all these places also see ordinary, lawful trade, and measures change after the date a row names.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import DialectError, ReadError
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import TABLES

__all__ = ["DEFAULT_RADIUS_NM", "MAX_RADIUS_NM", "read_ports", "sensitive_ports"]

DEFAULT_RADIUS_NM = 3.0
"""Radius of a port whose source gives none [nm]: positions of WPI and UN/LOCODE are rounded to the minute (1 nm), and a
large harbour with its roads is a few miles across."""

MAX_RADIUS_NM = 20.0
"""Largest radius given to a port that is gathered from many anchorage points [nm]."""

_PORTS = TABLES["PORTS"]
_UNLOCODE_NAMES = [
    "Change", "Country", "Location", "Name", "NameWoDiacritics", "Subdivision", "Function", "Status", "Date", "IATA",
    "Coordinates", "Remarks",
]  # fmt: skip
_NO_LETTER = re.compile(r"\W+")  # compiled: else letters are those of ASCII in pandas before 3.1
_LOCODE = r"[A-Z]{2}[A-Z2-9]{3}"
_EXAMPLES = 3


def sensitive_ports() -> pd.DataFrame:
    """Return the bundled list of ports, terminals, anchorages and ship-to-ship areas named in published sanctions work.

    Returns
    -------
    DataFrame
        PORTS with `sensitive` true; `reason` says which instrument or report names the place and when, `source` where
        that and the position can be checked. Positions marked approximate in `source` are good to a few miles.
    """
    text = files("darkvoyage.data").joinpath("sensitive_ports.csv").read_text(encoding="utf-8")
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    frame["country"] = _null_empty(frame["country"])
    return finish(frame, _PORTS)


def read_ports(path: str | Path) -> pd.DataFrame:
    """Read a list of ports.

    Known by their header: our own table (Parquet or CSV), the World Port Index (UpdatedPub150.csv and the schema before
    it), UN/LOCODE (the official parts without header, and copies with one), the anchorages of Global Fishing Watch
    (all points of one label and country become one port) and a short list iso3, label, latitude, longitude. CSV may be
    gzipped.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    DataFrame
        PORTS, kind "port", not sensitive, with a radius of `DEFAULT_RADIUS_NM`, unless the file says otherwise.
        Anchorages get the radius that covers their members, up to `MAX_RADIUS_NM`. Countries are ISO 3166 alpha-2, null
        where unknown. `attrs["read_report"]` says what was not delivered and why.

    Raises
    ------
    ReadError
        The file is missing, damaged, or of a kind that can run code.
    DialectError
        The columns are those of no known list.
    """
    path = Path(path)
    stored, data = _bytes_of(path)
    reasons: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    repairs: dict[str, int] = {}
    if data[:4] == b"PAR1":
        name, raw = "darkvoyage", _read_parquet(path, data)
    else:
        name, raw = _read_csv(path, data, reasons)
    rows_in = len(raw) + sum(reasons.values())
    table = _DIALECTS[name](raw)
    for reason, wrong in _WRONG.items():
        table = _drop(table, wrong(table), reason, reasons, examples)
    if name == "gfw_anchorages":
        gathered = _gather(table)
        _count(reasons, "merged_into_port", len(table) - len(gathered))
        table = gathered
    table = _drop(table, table.duplicated(), "duplicate", reasons, examples)
    table["port_id"], renamed = _unique_ids(table)
    _count(repairs, "port_id_made_unique", renamed)
    table["country"], unknown = _alpha2(table["country"])
    _count(repairs, "country_unknown", unknown)
    out = finish(table.drop(columns="is_port"), _PORTS)
    out.attrs["read_report"] = {
        "rows_in": rows_in,
        "rows_out": len(out),
        "reasons": reasons,
        "repairs": repairs,
        "examples": examples,
        "dialect": name,
        "sources": [{"path": str(path), "sha256": hashlib.sha256(stored).hexdigest()}],
    }
    return out


def _bytes_of(path: Path) -> tuple[bytes, bytes]:
    """Return the file as stored, and unpacked."""
    try:
        stored = path.read_bytes()
        data = gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(f"{path}: cannot be read ({error})") from error
    if path.suffix.lower() in (".pkl", ".pickle", ".joblib") or data[:1] == b"\x80":
        raise ReadError(f"{path}: pickle files can run code and are never read; save the table as Parquet or CSV")
    return stored, data


def _read_parquet(path: Path, data: bytes) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except (OSError, ValueError) as error:
        raise ReadError(f"{path}: not a whole Parquet file ({error})") from error
    if not {"port_id", "name", "lat", "lon"} <= set(frame.columns):
        raise _no_dialect(path, list(map(str, frame.columns)))
    return frame


def _read_csv(path: Path, data: bytes, reasons: dict[str, int]) -> tuple[str, pd.DataFrame]:
    if b"\x00" in data:
        raise ReadError(f"{path}: is not text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # older editions of UN/LOCODE
    head = text.split("\n", 1)[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    lines = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    if not lines:
        raise DialectError(f"{path}: is empty; expected a list of ports")
    header = [cell.strip() for cell in lines[0]]
    name = _dialect_of(path, header)
    if name == "unlocode" and "Country" not in header:
        header = _UNLOCODE_NAMES
    else:
        lines = lines[1:]
    whole = [row for row in lines if len(row) == len(header)]
    _count(reasons, "broken_line", len(lines) - len(whole))
    frame = pd.DataFrame(whole, columns=header, dtype="str")
    return name, frame.apply(lambda column: _null_empty(column.str.strip()))


def _dialect_of(path: Path, header: list[str]) -> str:
    for name, needed in _NEEDS.items():
        if needed <= set(header):
            return name
    if len(header) == len(_UNLOCODE_NAMES) and len(header[1]) == 2 and header[1].isalpha() and header[1].isupper():
        return "unlocode"
    raise _no_dialect(path, header)


def _no_dialect(path: Path, columns: list[str]) -> DialectError:
    nearest = max(_NEEDS, key=lambda name: len(_NEEDS[name] & set(columns)) / len(_NEEDS[name]))
    lacks = ", ".join(sorted(_NEEDS[nearest] - set(columns)))
    found = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
    return DialectError(
        f"{path}: no known list of ports has the columns {found}; nearest is {nearest}, missing {lacks}"
    )


_NEEDS: dict[str, set[str]] = {
    "darkvoyage": {"port_id", "name", "lat", "lon"},
    "wpi": {"World Port Index Number", "Main Port Name", "Latitude", "Longitude"},
    "wpi_old": {"INDEX_NO", "PORT_NAME", "LATITUDE", "LONGITUDE"},
    "unlocode": {"Country", "Location", "Name", "Function", "Coordinates"},
    "gfw_anchorages": {"s2id", "label", "iso3"},
    "iso3_label": {"iso3", "label", "latitude", "longitude"},
}


def _own(raw: pd.DataFrame) -> pd.DataFrame:
    table = _frame(raw, raw["port_id"], raw["name"], raw["lat"], raw["lon"], raw.get("country"))
    if "radius_nm" in raw:
        table["radius_nm"] = _number(raw["radius_nm"]).fillna(DEFAULT_RADIUS_NM)
    if "sensitive" in raw:
        table["sensitive"] = raw["sensitive"].astype("str").str.lower().isin(["true", "1", "1.0", "yes"])
    if "kind" in raw:
        table["kind"] = raw["kind"].fillna("port")
    for name in raw.columns.difference(table.columns):
        table[name] = raw[name]
    return table


def _wpi(raw: pd.DataFrame) -> pd.DataFrame:
    locode = raw["UN/LOCODE"].str.replace(" ", "") if "UN/LOCODE" in raw else pd.Series(None, raw.index, dtype="str")
    valid = locode.str.fullmatch(_LOCODE).fillna(False).astype(bool)
    number = raw["World Port Index Number"].str.replace(r"\.0+$", "", regex=True)
    country = locode.str[:2].where(valid, raw.get("Country Code"))
    port_id = locode.where(valid, "wpi-" + number)
    return _frame(raw, port_id, raw["Main Port Name"], raw["Latitude"], raw["Longitude"], country)


def _wpi_old(raw: pd.DataFrame) -> pd.DataFrame:
    port_id = "wpi-" + raw["INDEX_NO"].str.replace(r"\.0+$", "", regex=True)
    return _frame(raw, port_id, raw["PORT_NAME"], raw["LATITUDE"], raw["LONGITUDE"], raw.get("COUNTRY"))


def _unlocode(raw: pd.DataFrame) -> pd.DataFrame:
    function = raw["Function"].fillna("")
    if "Status" in raw and not function.str.fullmatch(r"[0-9B-]{8}").any():
        function = raw["Status"].fillna("")  # copies that swap the two
    part = raw["Coordinates"].str.extract(r"^(\d\d)([0-5]\d)([NS])\s*(\d{3})([0-5]\d)([EW])$")
    degrees, minutes = part[[0, 3]].astype("float64").to_numpy(), part[[1, 4]].astype("float64").to_numpy()
    sign = np.where(part[[2, 5]].isin(["S", "W"]), -1.0, 1.0)
    lat, lon = ((degrees + minutes / 60.0) * sign).T
    name = raw["NameWoDiacritics"].fillna(raw["Name"]) if "NameWoDiacritics" in raw else raw["Name"]
    table = _frame(raw, raw["Country"] + raw["Location"], name, lat, lon, raw["Country"])
    table["is_port"] = raw["Location"].notna() & (function.str[:1] == "1")  # function 1: seaport
    return table


def _gfw_anchorages(raw: pd.DataFrame) -> pd.DataFrame:
    return _iso3_label(raw.rename(columns={"lat": "latitude", "lon": "longitude"}))


def _iso3_label(raw: pd.DataFrame) -> pd.DataFrame:
    slug = (raw["iso3"].fillna("xxx") + "-" + raw["label"]).str.lower().str.replace(_NO_LETTER, "-", regex=True)
    return _frame(raw, slug.str.strip("-"), raw["label"], raw["latitude"], raw["longitude"], raw["iso3"])


_DIALECTS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "darkvoyage": _own,
    "wpi": _wpi,
    "wpi_old": _wpi_old,
    "unlocode": _unlocode,
    "gfw_anchorages": _gfw_anchorages,
    "iso3_label": _iso3_label,
}


def _frame(raw: pd.DataFrame, port_id: pd.Series, name: pd.Series, lat: Any, lon: Any, country: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "port_id": port_id.astype("str"),
            "name": name.astype("str"),
            "kind": "port",
            "country": pd.Series(None, raw.index, dtype="str") if country is None else country.astype("str"),
            "lat": _number(pd.Series(lat, raw.index)),
            "lon": _number(pd.Series(lon, raw.index)),
            "radius_nm": DEFAULT_RADIUS_NM,
            "sensitive": False,
            "is_port": True,
        },
        index=raw.index,
    )


_WRONG: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "not_a_port": lambda table: ~table["is_port"],
    "no_coordinates": lambda table: table["lat"].isna() | table["lon"].isna(),
    "bad_coordinates": lambda table: (table["lat"].abs() > 90) | (table["lon"].abs() > 180),
    "no_name": lambda table: table["name"].isna() | table["port_id"].isna(),
}


def _gather(table: pd.DataFrame) -> pd.DataFrame:
    """One port per label and country, at the member nearest the members' centroid."""
    table = table.assign(group=table["country"].fillna("") + "|" + table["name"])
    table = table.sort_values(["group", "lat", "lon"], kind="stable").reset_index(drop=True)
    starts = group_starts(pd.factorize(table["group"])[0])
    count = np.diff(np.r_[starts, len(table)])
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    phi, lam = np.radians(lat), np.radians(lon)
    # The mean of unit vectors has no seam at the antimeridian.
    x, y, z = (
        np.add.reduceat(part, starts) if len(starts) else part
        for part in (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    )
    centre_lat, centre_lon = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    away = great_circle_nm(lat, lon, np.repeat(centre_lat, count), np.repeat(centre_lon, count))
    group = np.repeat(np.arange(len(starts)), count)
    order = np.lexsort((away, group))
    chosen = order[starts]
    reach = great_circle_nm(lat, lon, np.repeat(lat[chosen], count), np.repeat(lon[chosen], count))
    out = table.iloc[chosen].drop(columns="group").reset_index(drop=True)
    widest = np.maximum.reduceat(reach, starts) if len(starts) else reach
    out["radius_nm"] = np.clip(widest, DEFAULT_RADIUS_NM, MAX_RADIUS_NM)
    return out


def _drop(
    table: pd.DataFrame, wrong: pd.Series, reason: str, reasons: dict[str, int], examples: dict[str, list[str]]
) -> pd.DataFrame:
    marked = wrong.to_numpy(dtype=bool)
    if marked.any():
        _count(reasons, reason, int(marked.sum()))
        named = table.loc[marked, "port_id"].fillna("?") + " " + table.loc[marked, "name"].fillna("?")
        examples[reason] = named.head(_EXAMPLES).tolist()
    return table[~marked]


def _unique_ids(table: pd.DataFrame) -> tuple[pd.Series, int]:
    """Append -2, -3, ... to ids that occur again, in the order of their names and positions."""
    ids = table.sort_values(["port_id", "name", "lat", "lon"], kind="stable")["port_id"]
    renamed = pd.Series(False, ids.index)
    while ids.duplicated().any():
        again = ids.groupby(ids).cumcount()
        ids = ids.where(again == 0, ids + "-" + (again + 1).astype("str"))
        renamed |= again > 0
    return ids.reindex(table.index), int(renamed.sum())


def _alpha2(country: pd.Series) -> tuple[pd.Series, int]:
    known = pd.read_csv(
        io.StringIO(files("darkvoyage.data").joinpath("countries.csv").read_text(encoding="utf-8")),
        keep_default_na=False,  # NA is Namibia
    )
    spellings = known["alpha2"] + "|" + known["alpha3"] + "|" + known["names"]
    pairs = known.assign(spelling=spellings.str.casefold().str.split("|")).explode("spelling")
    table = pairs.set_index("spelling")["alpha2"].to_dict()
    out = country.str.strip().str.casefold().map(table).astype("str")
    return out, int((out.isna() & country.notna()).sum())


def _null_empty(column: pd.Series) -> pd.Series:
    return column.astype("str").where(column.astype("str").str.len() > 0, None)


def _number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").astype("float64")


def _count(counts: dict[str, int], reason: str, number: int) -> None:
    if number:
        counts[reason] = counts.get(reason, 0) + number
