"""Options of distances by sea."""

from __future__ import annotations

from darkvoyage.errors import RuleError
from darkvoyage.options import option, rule

__all__ = ["SeaRule"]


@rule
class SeaRule:
    """How far it is by sea.

    Parameters
    ----------
    closed, opened : tuple of str
        Names of passages of the bundled list to close or to open, beside what it says: "Suez Canal", "Volga-Don Canal".
    snap_km : float
        A point on land is moved to the nearest water within this [km]; from further inland, on rivers and lagoons
        that the coastline does not open, the way begins with a straight line to water that leads to the sea.
    bias_share : float
        `could` is shorter than the shortest way on the raster by this share at most, and never below the great circle.
        3 %: of 263 pairs of ports in NGA Pub. 151 none under 2,400 nm is shorter than that by its table.
    detour_share : float
        Routes are longer than the shortest way by this: separation schemes, shoals, room to the coast. 1.6 %: median of
        131 pairs of ports in NGA Pub. 151; 2.0 % for 132 others.
    """

    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    snap_km: float = option(default=10.0, ge=0, le=100)
    bias_share: float = option(default=0.03, ge=0, lt=1)
    detour_share: float = option(default=0.016, ge=0, lt=1)

    def __post_init__(self) -> None:
        for name in ("closed", "opened"):
            names = getattr(self, name)
            if isinstance(names, str) or not all(isinstance(each, str) for each in names):
                raise RuleError(f"SeaRule.{name} = {names!r}: expected a tuple of names of passages")
            object.__setattr__(self, name, tuple(sorted(set(names))))
        both = set(self.closed) & set(self.opened)
        if both:
            raise RuleError(f"SeaRule: {sorted(both)[0]!r} is both closed and opened")
