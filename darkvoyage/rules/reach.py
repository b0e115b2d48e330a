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
    tanker_max_kn, other_max_kn : float
        Hard speed caps [kn]; +1.5 kn of current are allowed on top.
    tanker_mean_kn, other_mean_kn, speed_sd_kn : float
        Own cruising speed where nothing better is known, and its spread [kn].
    service_min_h : float
        Shortest time alongside that counts as a call [h].
    service_median_h, service_log_sd : float
        Log-normal time alongside, overhead included [h].
    wait_share, wait_mean_h : float
        Share of calls that wait for the berth, and their mean waiting time [h].
    idle_mean_h : float
        Mean time of slow steaming, drifting or anchoring [h].
    prior_transit, prior_wait, prior_port, prior_sts, prior_unknown : float
        Prior weights of the hypotheses; renormalised over those that are possible. All places in reach share what ports
        and ship-to-ship areas have together, a single area weighing as much less than a single port as the two weights
        say. The sensitive flag of a port never enters.
    detour_nm : float
        A port's prior falls by exp(-detour / detour_nm) [nm].
    max_draught_llr : float
        Bound of the draught evidence [nats]: ln 8, because draughts are typed by hand and may lie.
    """

    tanker_max_kn: float = option(default=17.0, gt=0, le=80)
    other_max_kn: float = option(default=24.0, gt=0, le=80)
    tanker_mean_kn: float = option(default=11.5, gt=0, le=80)
    other_mean_kn: float = option(default=12.5, gt=0, le=80)
    speed_sd_kn: float = option(default=1.5, gt=0, le=20)
    service_min_h: float = option(default=6.0, ge=0)
    service_median_h: float = option(default=20.0, gt=0)
    service_log_sd: float = option(default=0.5, gt=0, le=3)
    wait_share: float = option(default=0.5, ge=0, le=1)
    wait_mean_h: float = option(default=36.0, gt=0)
    idle_mean_h: float = option(default=36.0, gt=0)
    prior_transit: float = option(default=0.45, gt=0)
    prior_wait: float = option(default=0.15, gt=0)
    prior_port: float = option(default=0.30, gt=0)
    prior_sts: float = option(default=0.05, gt=0)
    prior_unknown: float = option(default=0.05, gt=0)
    detour_nm: float = option(default=200.0, gt=0)
    max_draught_llr: float = option(default=math.log(8.0), gt=0)


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
