"""Physical constants and the column suffixes that may carry a unit."""

__all__ = ["BBL_PER_M3", "M_PER_NM", "UNIT_SUFFIXES", "US_PER_H"]

M_PER_NM = 1852.0
"""Metres in a nautical mile [m], exact by definition (BIPM SI Brochure, table 8)."""

US_PER_H = 3_600_000_000
"""Microseconds in an hour."""

BBL_PER_M3 = 6.2898108
"""Barrels in a cubic metre [bbl/m3]: 1 bbl = 42 US gallons = 0.158987294928 m3 exactly."""

UNIT_SUFFIXES = frozenset({"kn", "nm", "h", "m", "m3", "deg", "bbl", "t", "km", "km2", "min", "d", "s", "db"})
"""Suffixes that name a unit; a quantile (`_p10`, `_p50`, `_p90`) may follow."""
