"""A fictional campaign in tables: no ship of these names and numbers exists."""

import numpy as np
import pandas as pd
import pytest

PORTS = {
    "XXVOS": ("East Harbour", "port", "RU", 42.75, 133.07, True),
    "XXNAK": ("Long Bay", "port", "RU", 42.80, 132.88, True),
    "XXCHO": ("Iron Point", "port", "KP", 41.77, 129.82, True),
    "XXNAJ": ("Clear Haven", "port", "KP", 42.23, 130.30, True),
    "XXBUS": ("South Gate", "port", "KR", 35.10, 129.04, False),
    "XXSTS": ("Open Water Area", "sts", "KP", 39.5, 128.9, False),
}
NAMES = ("AMBER HERON", "BLUE SPARROW", "CALM OTTER", "DAWN PLOVER", "EVEN TIDE", "FAIR WIND", "GREY SEAL", "HIGH MOOR")


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def hours(values):
    return pd.to_timedelta(np.asarray(values, dtype="float64").round(2), unit="h")


def campaign(*, cases=45, others=300, seed=7):
    """Build the tables of `cases` suspected calls and `others` further gaps."""
    rng = np.random.default_rng(seed)
    n = cases + others
    mmsi = 299000001 + np.where(np.arange(n) < cases, np.arange(n) % len(NAMES), len(NAMES) + np.arange(n) % 60)
    start = utc("2024-03-07T03:12") + hours(np.sort(rng.uniform(0, 240 * 24, n)))
    start = start[rng.permutation(n)]
    length = rng.lognormal(4.4, 0.4, n)
    ids = [f"{m}-{t:%Y%m%dT%H%M%S}-{k:04x}" for k, (m, t) in enumerate(zip(mmsi, start, strict=True))]
    is_open = np.arange(n) == 3
    gaps = pd.DataFrame(
        {
            "gap_id": ids,
            "track_id": [f"{m}-0" for m in mmsi],
            "mmsi": mmsi,
            "gap_start": start,
            "gap_end": (start + hours(length)).where(~is_open),
            "is_closed": ~is_open,
            "duration_h": length,
            "distance_nm": rng.uniform(2, 220, n),
            "implied_speed_kn": rng.uniform(0.1, 5, n),
            "start_lat": rng.uniform(39.6, 42.1, n),
            "start_lon": rng.uniform(130.1, 132.6, n),
            "end_lat": rng.uniform(39.6, 42.1, n),
            "end_lon": rng.uniform(130.1, 132.6, n),
            "start_draught_m": rng.uniform(3, 4, n).round(1),
            "end_draught_m": np.where(rng.random(n) < 0.4, 5.9, np.nan),
            "start_destination": rng.choice(["FISHING GROUND", "<b>CHINA</b>", "FOR ORDERS"], n),
            "end_destination": rng.choice(["HOME", "FOR ORDERS"], n),
            "fixes_before_12h": rng.integers(1, 200, n),
            "fixes_after_12h": rng.integers(1, 200, n),
            "fixes_before_12h_ter": 0,
            "fixes_before_12h_sat": 0,
            "fixes_before_12h_dyn": 0,
            "length_m": 89.0,
        }
    )
    p = np.where(np.arange(n) < cases, rng.beta(4, 2, n).clip(0.21, 0.995), rng.beta(1, 30, n).clip(0, 0.19))
    return {
        "gaps": gaps,
        "silences": _silences(gaps, rng),
        "port_calls": _port_calls(gaps, p, rng),
        **_sightings(gaps, p, cases, rng),
        "transfers": _transfers(gaps, p, cases + others // 2, rng),
        **_cargo(gaps, p, cases),
        "screening": _screening(gaps, cases),
        "ports": pd.DataFrame(
            [(key, *value[:5], 4.0, value[5], "named for tests", "invented") for key, value in PORTS.items()],
            columns=["port_id", "name", "kind", "country", "lat", "lon", "radius_nm", "sensitive", "reason", "source"],
        ),
        "vessels": _vessels(mmsi),
        "flags": pd.DataFrame({"flag": [None, "duplicate"], "fixes": [812_345, 12_001]}),
        "sources": pd.DataFrame(
            {
                "path": ["ais_2024.csv.zst"],
                "sha256": ["ab12" * 16],
                "bytes": [123_456_789],
                "rows": [824_346],
                "dialect": ["danish"],
            }
        ),
    }


def _vessels(mmsi):
    known = np.unique(mmsi)
    names = [NAMES[k] if k < len(NAMES) else f"BYSTANDER {k}" for k in range(len(known))]
    return pd.DataFrame(
        {
            "mmsi": known,
            "imo": pd.array(9900000 + np.arange(len(known)), dtype="Int64"),
            "name": names,
            "flag": "XX",
            "length_m": 89.0,
            "dwt_t": np.where(np.arange(len(known)) == 5, np.nan, 3500.0),
        }
    )


def _silences(gaps, rng):
    n = len(gaps)
    reasons = np.array(["expected_to_be_heard", "reception_poor", "coverage_unverified", "neighbours_silent"])
    return pd.DataFrame(
        {
            "gap_id": gaps["gap_id"],
            "expected_fixes": rng.uniform(5, 900, n),
            "neighbours_heard": rng.integers(0, 60, n),
            "p_silence_if_on": rng.beta(1, 8, n),
            "llr_silence": rng.normal(2.5, 1.5, n),
            "p_off": rng.beta(5, 2, n),
            "reason": np.where(
                np.arange(n) < 40, "expected_to_be_heard", reasons[rng.choice(4, n, p=[0.6, 0.2, 0.15, 0.05])]
            ),
        }
    )


def _port_calls(gaps, p, rng):
    kinds = [("transit", None), ("wait", None), ("unknown", None), ("sts", "XXSTS")]
    kinds += [("port", key) for key in ("XXVOS", "XXNAK", "XXCHO", "XXNAJ", "XXBUS")]
    rows = []
    for k, gap in enumerate(gaps.itertuples()):
        share = rng.dirichlet([4, 2, 0.3, 0.4, 0.4, 0.5, 0.6, 0.5, 0.3]) * (1 - 0.8 * p[k])
        share[4] += 0.8 * p[k]
        end = gap.gap_start + pd.Timedelta(hours=gap.duration_h)
        for (kind, port), p_call in zip(kinds, share / share.sum(), strict=True):
            way = pd.Timedelta(hours=min(10 + 2 * len(rows) % 7, gap.duration_h / 3))
            rows.append(
                {
                    "gap_id": gap.gap_id,
                    "port_id": port,
                    "hypothesis": kind,
                    "p_call": p_call,
                    "sea_distance_nm": 260.0 if port else np.nan,
                    "required_speed_kn": 9.5 if port else np.nan,
                    "p_feasible": 0.97 if port else np.nan,
                    "slack_h": gap.duration_h / 3 if port else np.nan,
                    "arrive_earliest": gap.gap_start + way if port else None,
                    "depart_latest": end - way if port and gap.is_closed else None,
                }
            )
    return pd.DataFrame(rows)


def _sightings(gaps, p, cases, rng):
    seen, links, scenes = [], [], []
    for k in range(cases):
        gap = gaps.iloc[k]
        for shot in range(3):
            when = gap["gap_start"] + pd.Timedelta(hours=gap["duration_h"] * (0.3 + 0.2 * shot))
            scene = f"S{k:03d}{shot}"
            scenes.append(
                {
                    "scene_id": scene,
                    "timestamp": when,
                    "sensor": "sar" if shot else "optical",
                    "footprint": "POLYGON((132 42, 134 42, 134 44, 132 44, 132 42))",
                    "clear_fraction": 0.8,
                }
            )
            if shot == 0 or k % 3 == 0 or k % 5 == 1:
                links.append({"gap_id": gap["gap_id"], "scene_id": scene, "llr_absence": -0.7, "port_id": "XXVOS"})
                continue
            name = f"D{k:03d}{shot}"
            seen.append(
                {
                    "sighting_id": name,
                    "timestamp": when,
                    "lat": 42.75 + rng.normal(0, 0.01),
                    "sensor": "sar",
                    "lon": 133.07 + rng.normal(0, 0.01),
                    "scene_id": scene,
                    "length_m": rng.normal(89, 6),
                    "length_err_m": 8.0,
                    "heading": 120.0,
                    "confidence": 0.9,
                    "load_state": "laden" if shot == 2 else None,
                    "source": "analyst",
                }
            )
            p_link = 0.95 * p[k]
            pair = {"sighting_id": name, "scene_id": scene}
            links.append(pair | {"gap_id": gap["gap_id"], "p_link": p_link, "rank": 1, "port_id": "XXVOS"})
            links[-1] |= {"llr_position": 2.1, "llr_length": 0.9, "llr_total": 3.0, "p_at_port": 0.93}
            links.append(pair | {"gap_id": gaps["gap_id"].iloc[k + 1], "p_link": (1 - p_link) / 3, "rank": 2})
            links.append(pair | {"gap_id": None, "p_link": 2 * (1 - p_link) / 3, "rank": 3})
    return {"sightings": pd.DataFrame(seen), "links": pd.DataFrame(links), "scenes": pd.DataFrame(scenes)}


def _transfers(gaps, p, reachable, rng):
    rows = []
    for k in range(reachable):
        gap = gaps.iloc[k]
        llr = np.round([2.4 + rng.normal(), 1.2 * p[k], rng.choice([0.0, 0.8, -0.2]), 3 * p[k] - 1, -0.3], 3)
        for port, part in (("XXVOS", 1.0), ("XXNAK", 0.2 * (1.0 - p[k]))):
            level = int(np.searchsorted([0.2, 0.5, 0.9], part * p[k], side="right"))
            rows.append(
                {
                    "gap_id": gap["gap_id"],
                    "port_id": port,
                    "mmsi": gap["mmsi"],
                    "track_id": gap["track_id"],
                    "gap_start": gap["gap_start"],
                    "gap_end": gap["gap_end"],
                    "score": 100 * part * p[k],
                    "p_transfer": part * p[k],
                    "prior": 0.025,
                    "llr_total": llr.sum(),
                    **dict(
                        zip(["llr_silence", "llr_call", "llr_draught", "llr_sighting", "llr_absence"], llr, strict=True)
                    ),
                    "reasons": [
                        "Silence: 41 other ships were heard near the way meanwhile [for, times 11.0]",
                        f"Time and direction: the gap of {gap['duration_h']:.0f} h leaves 31 h there [for, times 3.1]",
                        "Imagery: scenes of the port in the time window show no ship that fits [against, times 1.3]",
                    ],
                    "innocent_explanations": [
                        "Transit: sailing straight on fits with probability 12.1 %",
                        "Switching off for security or through a fault can be lawful and looks the same",
                    ],
                    "sighting_ids": [f"D{k:03d}1"],
                    "evidence_grade": ("insufficient", "possible", "likely", "highly likely")[level],
                }
            )
    return pd.DataFrame(rows)


def _cargo(gaps, p, cases):
    part = gaps.iloc[:cases].reset_index(drop=True)
    tonnes = np.where(part["mmsi"] == 299000006, np.nan, 3100.0)
    cargo = pd.DataFrame(
        {
            "gap_id": part["gap_id"],
            "port_id": "XXVOS",
            "mmsi": part["mmsi"],
            "track_id": part["track_id"],
            "call_time": part["gap_start"] + hours(part["duration_h"] / 2),
            "p_transfer": p[:cases],
            "dwt_t": 3500.0,
            "load_state_before": "ballast",
            "load_state_after": "laden",
            "p_loaded": 0.93,
            "cargo_t_p10": 0.8 * tonnes,
            "cargo_t_p50": tonnes,
            "cargo_t_p90": 1.1 * tonnes,
            "barrels_p10": 5.96 * tonnes,
            "barrels_p50": 7.45 * tonnes,
            "barrels_p90": 8.195 * tonnes,
            "product": "gasoil",
            "basis": "deadweight from register, fill 60 % to 98 %",
        }
    )
    year = {"period_start": utc("2024-01-01"), "period_end": utc("2025-01-01"), "cap_bbl": 500_000.0}
    sums = {"calls_seen": 33, "calls_estimated_p10": 29.0, "calls_estimated_p50": 32.0, "calls_estimated_p90": 35.0}
    sums |= {"barrels_p10": 590_000.0, "barrels_p50": 652_310.0, "barrels_p90": 718_000.0, "p_exceeds_cap": 0.9915}
    sums["cap_crossed_on"] = utc("2024-09-02")
    rows = [year | sums | {"route": "all ports"}, year | sums | {"port_id": "XXVOS"}]
    return {"cargo": cargo, "ledger": pd.DataFrame(rows if cases else []) if cases else pd.DataFrame()}


def _screening(gaps, cases):
    return pd.DataFrame(
        [
            {
                "mmsi": 299000001,
                "imo": 9900000,
                "list_name": "Invented list",
                "program": "TEST",
                "matched_by": "imo",
                "matched_name": "AMBER HERON",
                "listed_on": utc("2024-05-01"),
                "event_time": when,
                "listed_at_event": bool(when >= utc("2024-05-01")),
                "list_sha256": "cd34" * 16,
            }
            for when in gaps.loc[gaps["mmsi"] == 299000001, "gap_start"].iloc[: min(cases, 3)]
        ]
    )


@pytest.fixture(scope="session")
def fake():
    return campaign()
