"""Destination texts of AIS: which place do they name, and what does that say about a port call in a gap.

The field holds 20 characters that a mate types by hand: UN/LOCODE as circular SN.1/Circ.244 of IMO wants it (with or
without blanks, often as FROM>TO), a name, an alias, a misspelling, a country, "FOR ORDERS", or something else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import SchemaError
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.destination_texts import read_texts
from darkvoyage.reach.place_names import plain_text, squeeze
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import PORTS

__all__ = ["destination_llr", "parse_destinations"]

_MOST_LLR, _LEAST_LLR = float(np.log(5.0)), -float(np.log(2.0))
_COUNTRY_LLR = float(np.log(1.5))
_ELSEWHERE_LLR = -float(np.log(1.5))
"""About 40 % of the destinations of bulk ships are wrong: a call elsewhere has 0.4 / 0.6 of the odds."""
_NEXT_LLR = -float(np.log(1.5))
_RETYPED_LLR, _KEPT_LLR = float(np.log(1.5)), -float(np.log(1.3))
_SAME_PLACE_NM = 15.0


def parse_destinations(texts: Any, ports: Any) -> pd.DataFrame:
    """Read destination texts: the port, country or habit that each names.

    Parameters
    ----------
    texts : sequence of str
        As received; nulls are empty texts.
    ports : PORTS table
        Places to be recognised by `port_id` (where it is a UN/LOCODE), by name, and by the bundled aliases.

    Returns
    -------
    DataFrame
        One row per text, in the order given: `text`, `kind` ("port": one of `ports`; "place": a known port that is
        none of them, or a valid code; "country", "region", "orders", "hiding", "unknown", "empty"), `port_id`,
        `locode`, `country`, `score` in [0, 1] (how clearly it names that), `origin_port_id` (of FROM>TO). Where several
        ports fit equally well, the first by `port_id`, its score divided by their number.

    Raises
    ------
    SchemaError
        `texts` is not text, or `ports` not PORTS.
    """
    places = conform(ports, PORTS).sort_values("port_id", ignore_index=True)
    given = pd.Series(texts, dtype="object").reset_index(drop=True)
    wrong = given.notna() & ~given.map(lambda value: isinstance(value, str))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise SchemaError(f"texts: expected text; first bad row {row}: {given.iloc[row]!r}")
    code, known = pd.factorize(given.fillna("").astype("str"))
    means, named = read_texts(pd.Series(known, dtype="str"), places)
    ids = places["port_id"].to_numpy(dtype=object)
    best = named.sort_values(["text", "score", "port"], ascending=[True, False, True])
    best["ties"] = _ties(best, places)
    going = best[~best["origin"]].drop_duplicates("text").set_index("text").reindex(means.index)
    coming = best[best["origin"]].drop_duplicates("text").set_index("text")["port"]
    found = going["port"].notna()
    means.loc[found, "score"] = (going["score"] / going["ties"])[found]
    out = means.assign(text=known, port_id=_names(ids, going["port"]), origin_port_id=_names(ids, coming, means.index))
    out = out[["text", "kind", "port_id", "locode", "country", "score", "origin_port_id"]]
    return out.iloc[code].reset_index(drop=True).assign(text=given.astype("str"))


def _ties(best: pd.DataFrame, places: pd.DataFrame) -> np.ndarray:
    """How many places are named as clearly as the first of each text; berths and terminals beside it are the same."""
    lat, lon = (best["port"].map(places[name]) for name in ("lat", "lon"))
    group = [best["origin"], best["text"], best["score"]]
    first_lat, first_lon = (values.groupby(group).transform("first") for values in (lat, lon))
    far = great_circle_nm(first_lat.to_numpy(), first_lon.to_numpy(), lat.to_numpy(), lon.to_numpy()) > _SAME_PLACE_NM
    return 1 + pd.Series(far, best.index).groupby(group).transform("sum").to_numpy()


def destination_llr(near: pd.DataFrame, places: pd.DataFrame, port: np.ndarray) -> np.ndarray:
    """What the destinations typed before and after a gap say for a call at a port in it, shape (n,) [nats].

    The text before the gap says where the ship was going: at most ln 5 where it names the port, ln 1.5 where it names
    its country only, -ln 1.5 where it names another place. Another text after the gap than before it speaks for a call
    (ln 1.5), the same for none (-ln 1.3). The text after the gap says where the ship came from only as FROM>TO; a port
    that it newly names as destination is where the ship still has to go. Bounded to [-ln 2, ln 5].

    Parameters
    ----------
    near : DataFrame
        `start_destination`, `end_destination`.
    places : PORTS table
    port : ndarray of int64, shape (n,)
        Row of the place of each pair.
    """
    texts = [near[f"{end}_destination"] for end in ("start", "end") if f"{end}_destination" in near]
    if len(texts) < 2 or len(near) == 0:
        return np.zeros(len(near))
    code, known = pd.factorize(pd.concat(texts, ignore_index=True).fillna("").astype("str"))
    means, named = read_texts(pd.Series(known, dtype="str"), places)
    before, after = code[: len(near)], code[len(near) :]
    plain = squeeze(plain_text(pd.Series(known, dtype="str"))).to_numpy(dtype=object)
    both = (plain[before] != "") & (plain[after] != "")
    retyped = both & (plain[before] != plain[after])
    llr = _going_llr(means, named, before, places, port)
    llr += np.where(retyped, _RETYPED_LLR, np.where(both, _KEPT_LLR, 0.0))
    llr += _MOST_LLR * _score(named[named["origin"]], after, port, len(places))
    llr += np.where(retyped, _NEXT_LLR * _score(named[~named["origin"]], after, port, len(places)), 0.0)
    return np.clip(llr, _LEAST_LLR, _MOST_LLR)


def _going_llr(
    means: pd.DataFrame, named: pd.DataFrame, text: np.ndarray, places: pd.DataFrame, port: np.ndarray
) -> np.ndarray:
    """Evidence of the destination before the gap."""
    going = named[~named["origin"]]
    here = _score(going, text, port, len(places))
    clear = means["score"].to_numpy()[text]
    # Another row of the list may be the same place: berths and terminals of a port.
    best = going.sort_values(["score", "port"], ascending=[False, True]).drop_duplicates("text")
    at = np.full(len(means), -1)
    at[best["text"].to_numpy(dtype="int64")] = best["port"].to_numpy()
    other = at[text]
    lat, lon = places["lat"].to_numpy(), places["lon"].to_numpy()
    apart = great_circle_nm(lat[other], lon[other], lat[port], lon[port])
    elsewhere = (other >= 0) & (apart > _SAME_PLACE_NM)
    same = (other >= 0) & ~elsewhere
    country = means["country"].to_numpy(dtype=object)[text]
    own = places["country"].astype("object").to_numpy()[port]
    has_country = pd.notna(country) & pd.notna(own)
    abroad, at_home = has_country & (country != own), has_country & (country == own) & (other < 0)
    llr = np.where(elsewhere | (abroad & (other < 0)), _ELSEWHERE_LLR * clear, 0.0)
    llr = np.where(at_home | same, _COUNTRY_LLR * clear, llr)
    return np.where(here > 0, np.maximum(_MOST_LLR * here, llr), llr)


def _score(named: pd.DataFrame, text: np.ndarray, port: np.ndarray, width: int) -> np.ndarray:
    """How clearly the text of each pair names its port, shape (n,)."""
    pair = named["text"].to_numpy(dtype="int64") * width + named["port"].to_numpy(dtype="int64")
    order = np.argsort(pair, kind="stable")
    pair, score = np.append(pair[order], -1), np.append(named["score"].to_numpy()[order], 0.0)
    wanted = text.astype("int64") * width + port
    at = np.searchsorted(pair[:-1], wanted)
    return np.where(pair[at] == wanted, score[at], 0.0)


def _names(ids: np.ndarray, row: pd.Series, index: pd.Index | None = None) -> pd.Series:
    row = row if index is None else row.reindex(index)
    names = np.full(len(row), None, dtype=object)
    found = row.notna().to_numpy()
    names[found] = ids[row[found].to_numpy(dtype="int64")]
    return pd.Series(names, index=row.index, dtype="str")
