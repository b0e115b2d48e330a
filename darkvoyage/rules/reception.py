"""Options of the model of reception."""

from __future__ import annotations

from darkvoyage.options import option, rule

__all__ = ["ReceptionRule"]


@rule
class ReceptionRule:
    """How reception is learned from the feed, and how a silence is judged against it.

    Parameters
    ----------
    window_min : float
        Length of an exposure window [min]; a vessel is heard in it or not. 0: 10, 20, 30 or 60, as the feed needs.
    cell_deg : float
        Side of the cells of the reception field [deg].
    neighbour_deg : float
        Side of the blocks in which other vessels count as neighbours [deg]; they vouch for half of it.
    cell_prior_windows : float
        Weight of the feed's mean rate in each cell [windows].
    neighbour_prior_windows : float
        Weight of "as usual" in the contemporaneous factor [windows].
    vessel_prior_windows : float
        Weight of "like the others" in the vessel's own factor [windows].
    vessel_lookback_h : float
        Causal window of the vessel's own factor [h].
    min_gap_h : float
        Gaps were selected to be longer than this [h]; must not exceed the `GapRule` they were found with.
    p_off_prior : float
        Prior probability that a gap is a switch-off, before the silence is looked at.
    off_median_h, off_sigma : float
        Log-normal duration of switch-offs: median [h] and log standard deviation. 36 h and 1.3 give a mean of 84 h,
        beside 88 h per event in Welch et al. 2022 (4.9 M h / 55,368 events).
    outage_mean_h : float
        Mean duration of a collective outage [h].
    suspect_h : float
        Windows of silences longer than this do not count in the rates, because they may be switch-offs [h].
    heard_neighbours : int
        From this many heard neighbours on, the silence evidence may reach ln 300 instead of ln 100.
    """

    window_min: float = option(default=0.0, ge=0, le=720)
    cell_deg: float = option(default=0.5, gt=0, le=10)
    neighbour_deg: float = option(default=1.0, gt=0, le=20)
    cell_prior_windows: float = option(default=20.0, gt=0)
    neighbour_prior_windows: float = option(default=3.0, gt=0)
    vessel_prior_windows: float = option(default=12.0, gt=0)
    vessel_lookback_h: float = option(default=24.0, gt=0)
    min_gap_h: float = option(default=6.0, gt=0)
    p_off_prior: float = option(default=0.05, gt=0, lt=1)
    off_median_h: float = option(default=36.0, gt=0)
    off_sigma: float = option(default=1.3, gt=0)
    outage_mean_h: float = option(default=6.0, gt=0)
    suspect_h: float = option(default=24.0, gt=0)
    heard_neighbours: int = option(default=5, ge=1)
