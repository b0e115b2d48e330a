"""What ports are called in AIS: codes, names, aliases; keys of capital letters and digits only.

The bundled names are of some 350 ports that trade most or are listed as sensitive, with their UN/LOCODE (UNECE; codes
that an edition withdrew stay, because crews go on typing them) and the spellings seen in AIS.
"""

from __future__ import annotations

import io
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

__all__ = ["CODE", "bundled", "countries", "known_names", "plain_text", "squeeze", "words"]

CODE = r"[A-Z]{2}[A-Z2-9]{3}"
"""A UN/LOCODE: country, and three letters or digits from 2 to 9."""
_ALIAS_WEIGHT = 0.95
_OFF_WEIGHT = 0.5
"""An area off a port is seldom meant where the port's name stands."""
_KIND_WORDS = r"\b(?:PORT OF|PORT|OIL TERMINAL|TERMINAL|ANCHORAGE|ISLAND|OFF)\b"


def plain_text(text: pd.Series) -> pd.Series:
    """Capital letters without accents; everything that is neither letter, digit nor arrow becomes a blank.

    Parameters
    ----------
    text : Series of str
        Without nulls.

    Returns
    -------
    Series of str
    """
    bare = text.str.normalize("NFKD").str.encode("ascii", "ignore").str.decode("ascii").str.upper()
    return bare.astype("str").str.replace(r"[^A-Z0-9<>=/()\-]+", " ", regex=True).str.strip()


def squeeze(text: pd.Series) -> pd.Series:
    """Letters and digits only, so that RU VVO, RU-VVO and RUVVO are one.

    Parameters
    ----------
    text : Series of str
        As `plain_text` returns.

    Returns
    -------
    Series of str
    """
    return text.str.replace(r"[^A-Z0-9]+", "", regex=True)


@cache
def bundled() -> pd.DataFrame:
    """Bundled names: `place`, `country`, `locode` (the current one), `key`, `is_code`; a row a code and a name."""
    table = _read("destination_names.csv").reset_index(names="place")
    table["locode"] = table["locodes"].str.partition("|")[0]
    codes = table.assign(key=table["locodes"].str.split("|"), is_code=True).explode("key")
    names = table.assign(key=table["names"].str.split("|"), is_code=False).explode("key")
    both = pd.concat([codes, names], ignore_index=True)
    return both.assign(key=squeeze(both["key"]))[["place", "country", "locode", "key", "is_code"]]


@cache
def countries() -> pd.DataFrame:
    """Names of countries: `country` (ISO 3166 alpha-2), `key` (name or alpha-3)."""
    table = _read("countries.csv")
    key = (table["names"] + "|" + table["alpha3"]).str.split("|")
    table = table.assign(key=key, country=table["alpha2"]).explode("key")
    return table.assign(key=squeeze(plain_text(table["key"])))[["country", "key"]].drop_duplicates("key")


@cache
def words(kind: str) -> tuple[str, ...]:
    """Words of a kind, longest first: `empty`, `orders`, `hiding`, `filler`, `generic`, `region`."""
    table = _read("destination_words.csv")
    return tuple(sorted(table.loc[table["kind"] == kind, "word"], key=lambda word: (-len(word), word)))


def known_names(places: pd.DataFrame) -> pd.DataFrame:
    """Keys of the given places, and of the bundled ones that are none of them.

    A place takes the codes and aliases of the bundled place with its code, or with its name in its country.

    Parameters
    ----------
    places : PORTS table

    Returns
    -------
    DataFrame
        `key`, `port` (row of the place, -1 for a bundled place that is none of them), `country`, `locode`, `is_code`,
        `weight` (1, or 0.9 for a name without its "terminal", "island"), one row a key and place.
    """
    own, stock = _own_keys(places), bundled()
    # One place of the list may be several rows: a terminal and its port.
    same = own[own["is_port"]].merge(stock, on="key", suffixes=("", "_stock"))
    same = same[(same["country"] == same["country_stock"]) | same["country"].isna() | same["is_code"]]
    same = same.sort_values(["port", "is_code", "weight", "place"], ascending=[True, False, False, True])
    same = same.drop_duplicates("port")[["port", "place", "weight"]]
    # What the list itself calls a place comes first.
    more = same.merge(stock, on="place")
    more["weight"] = np.where(more["is_code"], more["weight"], _ALIAS_WEIGHT * more["weight"])
    rest = stock[~stock["place"].isin(same["place"])].assign(port=-1, weight=1.0)
    columns = ["key", "port", "country", "locode", "is_code", "weight"]
    out = pd.concat([own[columns], more[columns], rest[columns]], ignore_index=True)
    codes = out[out["locode"].notna() & (out["port"] >= 0)].drop_duplicates("port").set_index("port")["locode"]
    out["locode"] = out["locode"].fillna(out["port"].map(codes).astype("str"))
    out = out.sort_values(["key", "port", "weight", "locode"], ascending=[True, True, False, True])
    # A name of the list is that place, whatever else is called so elsewhere.
    listed = out["key"].isin(out.loc[(out["port"] >= 0) & (out["weight"] > _OFF_WEIGHT), "key"])
    out = out[(out["port"] >= 0) | ~listed]
    return out[out["key"].str.len() >= 2].drop_duplicates(["key", "port", "country"]).reset_index(drop=True)


def _own_keys(places: pd.DataFrame) -> pd.DataFrame:
    """Keys that the rows of a list give: codes, names, what stands in brackets or between commas."""
    country = places["country"].astype("str")
    ids = plain_text(places["port_id"].astype("str"))
    code = squeeze(ids)
    is_code = code.str.fullmatch(CODE).to_numpy(dtype=bool) & (code.str[:2] == country.fillna(code.str[:2])).to_numpy()
    row = pd.Series(np.arange(len(places)), index=places.index)
    locode = code.where(is_code, None)
    # What lies off a port is not called as the port is.
    kind = places.get("kind", pd.Series(None, index=places.index, dtype="str"))
    is_port = ~kind.isin(["sts", "anchorage"])
    base = pd.DataFrame({"port": row, "country": country, "locode": locode.astype("str"), "is_port": is_port})
    codes = base[is_code].assign(key=code[is_code], is_code=True, weight=1.0)
    names = places["name"].astype("str").str.split(r"[(),;/]").explode()
    names = plain_text(names.fillna(""))
    bare = squeeze(names.str.replace(_KIND_WORDS, " ", regex=True))
    parts, generic = [codes], {word.replace(" ", "") for kind in ("filler", "generic") for word in words(kind)}
    for key, weight in ((squeeze(names), 1.0), (bare, 0.9)):
        part = base.loc[key.index].assign(key=key, is_code=False, weight=weight)
        part["weight"] = np.where(part["is_port"], weight, _OFF_WEIGHT)
        parts.append(part[(part["key"].str.len() >= 3) & ~part["key"].isin(generic)])
    return pd.concat(parts, ignore_index=True).drop_duplicates(["key", "port"])


def _read(name: str) -> pd.DataFrame:
    text = files("darkvoyage.data").joinpath(name).read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(text), keep_default_na=False, dtype="str")  # NA is Namibia
