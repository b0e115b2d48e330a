"""Which worlds are run: seeds to develop on, seeds to judge by, and the sizes of both tiers.

Whoever tunes a stage looks at `DEV_SEEDS` only. `TEST_SEEDS` are run by the bench alone, and no rule, prior or preset
is chosen by what comes out of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from darkvoyage.errors import RuleError

__all__ = ["DEV_SEEDS", "TEST_SEEDS", "TIERS", "Tier", "WorldTask", "tier_named"]

DEV_SEEDS = tuple(range(1, 41))
TEST_SEEDS = tuple(range(770_001, 770_041))


@dataclass(frozen=True, kw_only=True)
class WorldTask:
    """One world to simulate and to investigate.

    Parameters
    ----------
    group : str
        Worlds of one group are judged together.
    preset : str
    seed : int
    vessels, days : int
    reception : {"physical", "pasted"}
    hiding_share : float, optional
        None: that of the preset.
    """

    group: str
    preset: str
    vessels: int
    days: int
    seed: int = 0
    reception: str = "physical"
    hiding_share: float | None = None

    @property
    def name(self) -> str:
        """What tells this world from all others."""
        return f"{self.group} {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Tier:
    """How much is run.

    Parameters
    ----------
    name : str
    worlds : tuple of (WorldTask, int)
        Worlds without their seeds, and how many seeds of each.
    draws : int
        Bootstrap draws.
    rounds : int
        How often each real port call is hidden.
    """

    name: str
    worlds: tuple[tuple[WorldTask, int], ...]
    draws: int
    rounds: int

    def tasks(self, seeds: tuple[int, ...] = TEST_SEEDS) -> list[WorldTask]:
        """List the worlds of this tier; each kind takes the first of `seeds`."""
        return [replace(world, seed=seed) for world, number in self.worlds for seed in seeds[:number]]


def _world(preset: str, vessels: int, days: int) -> WorldTask:
    return WorldTask(group=preset, preset=preset, vessels=vessels, days=days)


_CAMPAIGN, _STRAIT = _world("campaign", 132, 256), _world("strait", 200, 45)
_SHARES = (0.004, 0.01, 0.03, 0.1)
"""Of 250 vessels: the least of them is one ship."""

TIERS = {
    "small": Tier(
        name="small", worlds=((_world("campaign", 20, 40), 1), (_world("honest", 12, 15), 1)), draws=10, rounds=1
    ),
    "full": Tier(
        name="full",
        worlds=(
            (_CAMPAIGN, 5),
            (_STRAIT, 5),
            (_world("ocean", 120, 120), 5),
            (_world("honest", 132, 128), 5),
            (_world("jamming", 200, 45), 5),
            (_world("fast", 132, 128), 5),
            (_world("drifters", 132, 128), 5),
            (replace(_CAMPAIGN, group="campaign, pasted", reception="pasted"), 5),
            (replace(_STRAIT, group="strait, pasted", reception="pasted"), 5),
            *(
                (replace(_world("campaign", 250, 45), group=f"{share:.1%} hide", hiding_share=share), 4)
                for share in _SHARES
            ),
        ),
        draws=200,
        rounds=3,
    ),
}


def tier_named(name: str) -> Tier:
    """Return a tier.

    Parameters
    ----------
    name : str

    Returns
    -------
    Tier

    Raises
    ------
    RuleError
        There is none of this name.
    """
    if name not in TIERS:
        raise RuleError(f"tier = {name!r}: expected one of {', '.join(TIERS)}")
    return TIERS[name]
