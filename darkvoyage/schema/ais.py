"""Codes of the AIS standard: sentinels, kinds of MMSI, navigational status, ship types.

Sources: ITU-R M.1371-5 (02/2014), tables 45-50 and 52; ITU-R M.585-9 for the structure of the MMSI.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "COG_NA", "HEADING_NA", "LAT_NA", "LON_NA", "NAV_STATUS", "SOG_NA", "STAND_IN_BASE", "imo_valid", "is_equipment",
    "is_tanker",
]  # fmt: skip

LAT_NA = 91.0
LON_NA = 181.0
SOG_NA = 102.3
COG_NA = 360.0
HEADING_NA = 511.0

STAND_IN_BASE = 4 * 10**15
"""Numbers from here on stand for vessels whose source gives no MMSI; far above any MMSI, below 2**53."""

NAV_STATUS: dict[str, int] = {
    "under way using engine": 0,
    "at anchor": 1,
    "not under command": 2,
    "restricted maneuverability": 3,
    "restricted manoeuvrability": 3,
    "constrained by her draught": 4,
    "constrained by her draft": 4,
    "moored": 5,
    "aground": 6,
    "engaged in fishing": 7,
    "under way sailing": 8,
    "reserved for future amendment [hsc]": 9,
    "reserved for future amendment [wig]": 10,
    "power-driven vessel towing astern": 11,
    "power-driven vessel pushing ahead or towing alongside": 12,
    "reserved for future use [13]": 13,
    "ais-sart": 14,
    "ais-sart (active)": 14,
    "undefined": 15,
    "unknown value": 15,
}
"""Navigational status by its text in lower case (ITU-R M.1371-5, table 45; Danish archive spellings)."""

# Numbers that many transponders carry because nobody set them.
_PLACEHOLDERS = np.array(
    [0, 1, 111111111, 123456789, 222222222, 333333333, 444444444, 555555555, 666666666, 777777777, 999999999],
    dtype="int64",
)


def is_equipment(mmsi: np.ndarray) -> np.ndarray:
    """Tell which MMSI belong to equipment: coast stations and groups, aircraft, handhelds, SART, craft, aids, gear.

    Parameters
    ----------
    mmsi : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)
        True for 0xx and 00x numbers (six to eight digits: also net buoys and beacons), 111, 8, 97, 98 and 99
        (ITU-R M.585-9), and for placeholders. Other malformed numbers (150402951, say) are left alone: ships do use
        them, and who does so is worth seeing. So are stand-in numbers, which say nothing of the kind of station.
    """
    mmsi = np.asarray(mmsi, dtype="int64")
    leading = mmsi // 1_000_000
    short = (mmsi >= 100_000) & (mmsi < 100_000_000)
    station = (leading == 111) | ((leading >= 800) & (leading <= 899)) | ((leading >= 970) & (mmsi < STAND_IN_BASE))
    return short | station | (mmsi < 0) | np.isin(mmsi, _PLACEHOLDERS)


def imo_valid(imo: np.ndarray) -> np.ndarray:
    """Tell which numbers are IMO ship numbers: seven digits whose last is the check digit (IMO A.1117(30)).

    Parameters
    ----------
    imo : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    imo = np.asarray(imo, dtype="int64")
    digits = (imo[:, None] // 10 ** np.arange(6, -1, -1)) % 10
    check = (digits[:, :6] * np.arange(7, 1, -1)).sum(axis=1) % 10
    return (imo >= 1_000_000) & (imo <= 9_999_999) & (check == digits[:, 6])


def is_tanker(ship_type: np.ndarray) -> np.ndarray:
    """Tell which AIS ship types are tankers: 80 to 89 (ITU-R M.1371-5, table 53)."""
    ship_type = np.asarray(ship_type, dtype="float64")
    return (ship_type >= 80) & (ship_type <= 89)
