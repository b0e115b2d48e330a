"""Options of what ships do at ports and could have done in a gap."""

from __future__ import annotations

import math

from darkvoyage.options import option, rule

__all__ = ["PortRule", "VisitRule"]


@rule
class PortRule:
    """What a ship could and would have done in a gap.

    Parameters
    ----------
    tanker_max_kn, other_max_kn, fast_max_kn : float
        Hard speed caps of tankers, of other ships, and of class B, passenger and high-speed craft [kn], unless the
        ship's own history or the fixes at the gap's ends exceed them.
    tanker_mean_kn, other_mean_kn, fast_mean_kn : float
        Cruising speed of these where the ship's own is not known [kn].
    speed_sd_kn, class_sd_kn : float
        Spread of a ship's own speed from passage to passage, at least, and of the ships of a class [kn].
    current_kn : float
        Currents add up to this to the cap, and their spread to that of the speed [kn].
    service_min_h : float
        Shortest stay that counts as a call [h]: ferries turn round, and bunkers are taken, in less than an hour. What
        cargo operations take is in the density of the stay, which excludes nothing.
    wait_share, wait_mean_h : float
        Share of calls that wait for the berth, and their mean waiting time [h], where no history tells.
    idle_mean_h : float
        Mean time of long drifting or anchoring [h].
    prior_transit, prior_wait, prior_port, prior_sts, prior_meeting, prior_unknown : float
        Prior weights of the hypotheses; renormalised over those that are possible. `prior_port` is what all ports on
        the way have together, a single ship-to-ship area weighing as much less than a single port as `prior_sts` says;
        `prior_meeting` is a meeting at sea outside any listed area. The sensitive flag of a port never enters. Fitted
        so that the number of calls comes out right in simulated worlds of development seeds, in which two gaps of a
        hundred hold one; who looks at feeds that hear no ports at all should raise `prior_port`.
    detour_nm : float
        Calls as a whole become less likely by exp(-detour / detour_nm) with the way that places add [nm], on average
        over those in reach; how it tells them apart is in `HistoryRule`.
    shown_share : float
        Weight of a call at a place in which the ship was seen when it fell silent or when it was heard again: such a
        call is made in the open, and going on lying there is `wait`.
    temper : float
        Weight of the evidence of directions and speeds. 1: the fit gives 1.1 and 1.25, so nothing is told twice.
    max_draught_llr : float
        Bound of the draught evidence [nats]: ln 8, because draughts are typed by hand and may lie.
    most_places : int
        Ports and areas looked at per gap: those that the ship has visited before, the nearest, and as a third of all
        the nearest that the fleet has visited. Months of silence reach every port of the world.
    least_share : float
        Ports that have less than this of a gap both beforehand and in the posterior are not listed; what they have
        together goes to `unknown`.
    """

    tanker_max_kn: float = option(default=17.0, gt=0, le=80)
    other_max_kn: float = option(default=24.0, gt=0, le=80)
    fast_max_kn: float = option(default=30.0, gt=0, le=80)
    tanker_mean_kn: float = option(default=11.5, gt=0, le=80)
    other_mean_kn: float = option(default=12.5, gt=0, le=80)
    fast_mean_kn: float = option(default=12.5, gt=0, le=80)
    speed_sd_kn: float = option(default=1.2, gt=0, le=20)
    class_sd_kn: float = option(default=2.5, gt=0, le=20)
    current_kn: float = option(default=1.5, ge=0, le=10)
    service_min_h: float = option(default=0.5, ge=0)
    wait_share: float = option(default=0.5, ge=0, le=1)
    wait_mean_h: float = option(default=36.0, gt=0)
    idle_mean_h: float = option(default=60.0, gt=0)
    prior_transit: float = option(default=0.22, gt=0)
    prior_wait: float = option(default=0.72, gt=0)
    prior_port: float = option(default=0.05, gt=0)
    prior_sts: float = option(default=0.01, gt=0)
    prior_meeting: float = option(default=0.003, gt=0)
    prior_unknown: float = option(default=0.005, gt=0)
    detour_nm: float = option(default=300.0, gt=0)
    shown_share: float = option(default=0.025, gt=0, le=1)
    temper: float = option(default=1.0, gt=0, le=1)
    max_draught_llr: float = option(default=math.log(8.0), gt=0)
    most_places: int = option(default=60, ge=1)
    least_share: float = option(default=1e-6, ge=0, lt=0.01)


@rule
class VisitRule:
    """What counts as a visit to a port in the open: the values of pipe-anchorages 4.6.3.

    Parameters
    ----------
    min_radius_nm, exit_ratio : float
        A ship enters a port within its radius, or within the first where that is more [nm], and has left at this
        distance times the second: in at 3 km, out at 4 km.
    stop_kn, stop_margin_kn : float
        A stop in port begins at the first or below, and ends at the first and second together: 0.2 and 0.5 kn [kn].
    min_gap_h : float
        A silence in port of at least this counts as a sign of a call [h]. 4 h: 240 minutes.
    """

    min_radius_nm: float = option(default=3.0 / 1.852, ge=0, le=100)
    exit_ratio: float = option(default=4.0 / 3.0, ge=1, le=10)
    stop_kn: float = option(default=0.2, ge=0, le=10)
    stop_margin_kn: float = option(default=0.3, ge=0, le=10)
    min_gap_h: float = option(default=4.0, gt=0)
