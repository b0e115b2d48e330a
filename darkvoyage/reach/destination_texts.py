"""What a destination text of AIS names: places of a list, places known elsewhere, countries, seas, or nothing.

A text is taken apart (FROM>TO, VIA, brackets, dashes), words that name no place are left out (PILOT STATION, ORDERS),
and every run of words is looked up among the names. What is left is compared with them letter by letter.

Measured with the World Port Index as list: of 150 different texts drawn from those of ships in the Baltic, off North
America and elsewhere that the rules were not written on, 99 were read as a port of the list, one of them wrongly (CAPE
OF GOOD HOPE), and 8 more that name one were not read. Of the texts of tankers at the terminals of Vancouver and
Kitimat, 94 % are read as a port, 97 % of these as the one where the ship is.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from darkvoyage.reach.place_names import CODE, countries, known_names, plain_text, squeeze, words

__all__ = ["read_texts"]

_ORDERS_WEIGHT = 0.5
"""PORT SAID FOR ORDERS goes there, but perhaps not alongside."""
_PART_WEIGHT, _PREFIX_WEIGHT, _FUZZY_WEIGHT, _GUESS_WEIGHT = 0.8, 0.8, 0.7, 0.5
_LONGEST_WORDS = 5
_TEXTS = ["bare", "piece"]
"""A piece without and with the words that name no place: PORT KAVKAZ is called so."""
_TRUNCATED, _BEGUN = 18, 0.75
"""Texts of so many characters may be cut off (the field holds 20); shorter ones must hold most of a name."""
_SHORTEST_SLIP, _LONG_NAME = 6, 10
"""Names from six letters on may have one slip, from ten on two (optimal string alignment)."""


def read_texts(texts: pd.Series, places: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Meaning of distinct destination texts.

    Parameters
    ----------
    texts : Series of str
        Without nulls, with a RangeIndex.
    places : PORTS table

    Returns
    -------
    means : DataFrame
        One row per text: `kind`, `locode`, `country`, `score` in [0, 1].
    named : DataFrame
        One row per text and place that it names: `text` and `port` (rows), `score`, `origin` (the FROM of FROM>TO).
    """
    keys = known_names(places)
    plain = plain_text(texts)
    orders, hiding = (_has(plain, kind) for kind in ("orders", "hiding"))
    nothing = (squeeze(plain).str.len() < 2) | _has(plain, "empty")
    found = _resolve(_pieces(plain[~nothing]), keys, places, texts.str.len())
    going = found[~found["origin"]].drop_duplicates("text").set_index("text").reindex(texts.index)
    kind = going["kind"].fillna("unknown").to_numpy(dtype=object)
    silent = kind == "unknown"
    kind = np.where(silent & orders, "orders", np.where(silent & nothing, "empty", kind))
    kind = np.where(hiding & (kind != "port"), "hiding", kind)
    weight = np.where(orders, _ORDERS_WEIGHT, 1.0) * np.isin(kind, ["port", "place", "country", "region"])
    said = pd.Series(weight > 0, texts.index)
    means = pd.DataFrame(
        {
            "kind": pd.Series(kind, texts.index, dtype="str"),
            "locode": going["locode"].where(said, None).astype("str"),
            "country": going["country"].where(said, None).astype("str"),
            "score": going["score"].fillna(0.0).to_numpy() * weight,
        }
    )
    named = found.loc[found["port"] >= 0, ["text", "port", "score", "origin"]].reset_index(drop=True)
    named["score"] *= np.where(named["origin"], 1.0, weight[named["text"].to_numpy(dtype="int64")])
    return means, named[named["score"] > 0]


def _has(plain: pd.Series, kind: str) -> pd.Series:
    spaced = plain.str.replace(r"[^A-Z0-9]+", " ", regex=True)
    return spaced.str.contains(_any_of(kind), regex=True)


def _any_of(kind: str) -> str:
    return r"\b(?:" + "|".join(map(re.escape, words(kind))) + r")\b"


def _pieces(plain: pd.Series) -> pd.DataFrame:
    """Parts of the texts that may name a place: `text`, `piece`, `rank` (0 is looked at first), `origin`."""
    text = plain.str.replace(r"\b(?:VIA|ETA|ETD)\b.*$", " ", regex=True)
    text = text.str.replace(r"\b([A-Z]{2})-([A-Z2-9]{3})\b", r"\1 \2", regex=True)
    # Codes and names have no 0 and no 1.
    for digit, letter in (("0", "O"), ("1", "I")):
        text = text.str.replace(rf"(?<=[A-Z]){digit}|{digit}(?=[A-Z])", letter, regex=True)
    text = text.str.replace(r"[<>=]+-?>?|-+>+", ">", regex=True).str.strip("> -")
    whole, start = text.str.extract(r"([^>]*)$")[0], text.str.extract(r"([^>]*)>[^>]*$")[0]
    # What a dash, a stroke or "TO" parts may be one name (UST-LUGA) or two: the whole is tried first.
    halves = whole.str.extract(r"^(.*?)(?: TO |[-/])([^/-]*?[A-Z]{3}[^/-]*)$")
    brackets = whole.str.extractall(r"([^()]+)")[0].reset_index(level=1, drop=True)
    brackets = brackets[whole.str.contains("(", regex=False).reindex(brackets.index)]
    parts = [(whole, 0, False), (brackets, 1, False), (halves[1], 2, False), (start, 0, True), (halves[0], 2, True)]
    frames = [
        pd.DataFrame({"text": part.index, "piece": part.array, "rank": rank, "origin": origin})
        for part, rank, origin in parts
    ]
    out = pd.concat(frames, ignore_index=True).dropna(subset="piece")
    out["piece"] = out["piece"].str.replace(r"[^A-Z0-9]+", " ", regex=True).str.strip()
    out["bare"] = out["piece"].str.replace(_any_of("filler"), " ", regex=True)
    out["bare"] = out["bare"].str.replace(_any_of("orders"), " ", regex=True).str.split().str.join(" ")
    return out[out["bare"].str.len() >= 2].reset_index(drop=True)


def _resolve(pieces: pd.DataFrame, keys: pd.DataFrame, places: pd.DataFrame, length: pd.Series) -> pd.DataFrame:
    """What the pieces name, the best first within a text."""
    # KIEL CANAL is not Kiel, and GULF OF FINLAND not Finland.
    seas, sea = _by_region(pieces), _any_of("region")
    pieces = pieces.assign(**{name: pieces[name].str.replace(sea, " ", regex=True).str.strip() for name in _TEXTS})
    pieces = pieces[pieces["bare"].str.len() >= 2].reset_index(drop=True)
    found = pd.concat([_by_words(pieces, keys), _by_code(pieces, places)], ignore_index=True)
    rest = pieces[~pieces["text"].isin(found.loc[found["score"] >= _GUESS_WEIGHT, "text"])]
    found = pd.concat([found, _by_spelling(rest, keys, length), seas], ignore_index=True)
    found["class"] = found["kind"].map({"port": 0, "place": 1, "region": 2, "country": 3})
    # A whole that names a place only in part gives way to a half that does so clearly.
    found["level"] = np.round(found["score"] - 0.01 * found["rank"], 3)
    found = found.sort_values(["text", "origin", "class", "level", "port"], ascending=[True, True, True, False, True])
    found = _without_worse(found)
    # The first half is where the ship came from only if the text is two places.
    best = found[~found["origin"]].drop_duplicates("text").set_index("text")["rank"]
    found = found[~found["origin"] | (found["rank"] < 2) | (found["text"].map(best) == 2)]
    return found.drop_duplicates(["text", "origin", "kind", "port"]).reset_index(drop=True)


def _without_worse(found: pd.DataFrame) -> pd.DataFrame:
    """Leave out places that a text names less clearly than its best; a terminal called as its port stays."""
    place = found["class"] <= 1
    level = found["level"].where(place, -1.0)
    top = level.groupby([found["text"], found["origin"]]).transform("max")
    listed = (found["class"] == 0) & (found["score"] >= top - 0.11)
    return found[~place | (level >= top - 0.005) | listed]


def _by_words(pieces: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Known names, codes and countries among the runs of words of each piece; the longest run counts."""
    runs = _runs(pieces)
    size = pieces["bare"].str.replace(" ", "").str.len()
    names = pd.concat(
        [keys, countries().assign(port=-1, is_code=False, weight=1.0, locode=None)], keys=["name", "land"]
    )
    names = names.reset_index(level=0, names="what").reset_index(drop=True)
    hits = runs.merge(names.astype({"locode": "str"}), on="key")
    hits["share"] = hits["key"].str.len() / size[hits["row"]].to_numpy()
    land = hits[(hits["what"] == "land") & ((hits["key"].str.len() >= 4) | (hits["share"] == 1))]
    land = land.sort_values(["row", "share", "country"], ascending=[True, False, True]).drop_duplicates("row")
    hits = hits[hits["what"] == "name"]
    # The country beside a name is no part of it: SUEZ EGYPT, KLAIPEDA LT. Of another country it is another place.
    country, beside = hits["country"], hits["row"].map(land.set_index("row")["country"])
    tail = pieces["bare"].str.extract(r"(\S*)$")[0].reindex(hits["row"]).to_numpy()
    covered = (hits["share"] >= 0.999) | (beside == country) | (country == tail)
    wrong = beside.notna() & country.notna() & (beside != country) & ~hits["is_code"]
    wrong &= hits["share"] < 0.999  # PORT OF SPAIN
    hits["score"] = hits["weight"] * np.where(covered, 1.0, _PART_WEIGHT)
    hits = hits[(covered | (hits["key"].str.len() >= 4)) & ~wrong]
    longest = hits.groupby("row")["key"].transform(lambda key: key.str.len().max())
    hits = hits[hits["key"].str.len() == longest]
    hits["kind"] = np.where(hits["port"] >= 0, "port", "place")
    land = land.assign(kind="country", score=land["share"].clip(lower=0.5))
    hits = pd.concat([hits, land], ignore_index=True)
    return _found(hits.merge(pieces[["text", "rank", "origin"]], left_on="row", right_index=True))


def _runs(pieces: pd.DataFrame) -> pd.DataFrame:
    """All runs of up to five words of each piece as keys: `row` of the piece, `key`."""
    # RU LED written the other way round.
    turned = pieces["bare"].str.replace(r"^([A-Z2-9]{3}) ([A-Z]{2})$", r"\2\1", regex=True)
    parts = [pd.DataFrame({"row": pieces.index, "key": turned})]
    for column in _TEXTS:
        split = pieces[column].str.split(" ", expand=True)
        for first in range(split.shape[1]):
            run = pd.Series("", index=pieces.index, dtype="str")
            for word in range(first, min(first + _LONGEST_WORDS, split.shape[1])):
                run = run + split[word]
                parts.append(pd.DataFrame({"row": run.index, "key": run})[run.notna()])
    return pd.concat(parts, ignore_index=True).drop_duplicates()


def _by_code(pieces: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Codes that are valid but not known: the country is, and the one place there whose name has these letters."""
    code = squeeze(pieces["bare"])
    land = countries()
    fits = code.str.fullmatch(CODE) & code.str[:2].isin(land["country"]) & ~code.isin(land["key"])
    some = pieces[fits].assign(locode=code[fits], country=code[fits].str[:2], row=pieces.index[fits], port=-1)
    spaced = some["bare"].str.fullmatch(r"[A-Z]{2} [A-Z2-9]{3}")
    some = some.assign(kind="place", score=np.where(spaced, 0.7, 0.3))
    names = pd.DataFrame({"port": np.arange(len(places)), "country": places["country"].astype("str").to_numpy()})
    names["name"] = squeeze(plain_text(places["name"].astype("str"))).to_numpy()
    coded = squeeze(plain_text(places["port_id"].astype("str"))).str.fullmatch(CODE).to_numpy(dtype=bool)
    pairs = some.drop(columns="port").merge(names[~coded], on="country")
    at = np.full(len(pairs), -1)
    likely = np.ones(len(pairs), dtype=bool)
    name = pairs["name"].to_numpy(dtype="U")
    for letter in (2, 3, 4):
        at = np.strings.find(name, pairs["locode"].str[letter].to_numpy(dtype="U"), at + 1)
        likely &= (at == 0) if letter == 2 else (at >= 0)
    guess = pairs[likely]
    guess = guess[~guess.duplicated("row", keep=False)].assign(kind="port", score=_GUESS_WEIGHT)
    return _found(pd.concat([some, guess], ignore_index=True))


def _by_spelling(pieces: pd.DataFrame, keys: pd.DataFrame, length: pd.Series) -> pd.DataFrame:
    """Names that were cut off after 20 characters, and the one name that is a slip or two away."""
    names = keys[~keys["is_code"] & (keys["key"].str.len() >= 5)].sort_values("key", ignore_index=True)
    word = squeeze(pieces["bare"])
    some = pieces.assign(row=pieces.index, word=word)[word.str.len() >= _SHORTEST_SLIP]
    if len(some) == 0 or len(names) == 0:
        return _found(some.assign(port=-1, country=None, locode=None, kind="", score=0.0)[:0])
    key = names["key"].drop_duplicates().to_numpy(dtype=object)
    distance = cdist(
        some["word"].tolist(), key.tolist(), scorer=OSA.distance, score_cutoff=2, dtype=np.uint8
    )  # beyond the cut-off: 3
    allowed = np.where(some["word"].str.len() >= _LONG_NAME, 2, 1)
    nearest = distance.min(axis=1)
    one = (nearest <= allowed) & ((distance == nearest[:, None]).sum(axis=1) == 1)
    slips = some[one].assign(key=key[distance[one].argmin(axis=1)], score=_FUZZY_WEIGHT)
    ahead = np.searchsorted(key, some["word"].to_numpy(dtype=object))
    ahead = np.minimum(ahead, len(key) - 1)
    begun = np.strings.startswith(key[ahead].astype("U"), some["word"].to_numpy(dtype="U"))
    share = some["word"].str.len() / pd.Series(key[ahead], some.index, dtype="str").str.len()
    begun &= ((share >= _BEGUN) | (some["text"].map(length) >= _TRUNCATED)).to_numpy()
    cut = some[begun & ~one].assign(key=key[ahead][begun & ~one], score=_PREFIX_WEIGHT)
    hits = pd.concat([slips, cut], ignore_index=True).merge(names, on="key")
    return _found(hits.assign(kind=np.where(hits["port"] >= 0, "port", "place")))


def _by_region(pieces: pd.DataFrame) -> pd.DataFrame:
    """Seas, straits and canals."""
    some = pieces[pieces["piece"].str.contains(_any_of("region"), regex=True)]
    return _found(some.assign(row=some.index, port=-1, country=None, locode=None, kind="region", score=0.5))


def _found(hits: pd.DataFrame) -> pd.DataFrame:
    out = hits[["text", "rank", "origin", "kind", "port", "country", "locode", "score"]]
    return out.astype(
        {"country": "str", "locode": "str", "kind": "str", "port": "int64", "score": "float64", "origin": "bool"}
    )
