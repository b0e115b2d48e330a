"""Options of the integrity of positions and identities."""

from __future__ import annotations

from darkvoyage.options import option, rule

__all__ = ["IntegrityRule"]


@rule
class IntegrityRule:
    """When positions and identities are not to be believed.

    Bounds without a source were chosen on the public feeds and the simulated development worlds that INTEGRITY.md
    names, so that hardly any honest fix is marked.

    Parameters
    ----------
    step_min : float
        Tracks are looked at in steps of this length [min]: one fix of each.
    window_steps : int
        Steps in which a circle must go round; eight are enough to see it, whatever their length.
    circle_nm : float
        A circle of less than this about its centre is that of a ship at anchor [nm]: twelve shackles of chain (330 m)
        and the length of a large tanker (330 m) give 0.36 nm from the anchor to an antenna at the stern at most.
    circle_misfit : float
        Root mean square distance from the circle, as a share of its radius, that is still a circle.
    circle_kn : float
        Slowest way round [kn]; ships that swing about their anchor take six hours for half a turn.
    circle_ships : int
        A circle that so many ships draw is that of a jammer: whoever is on it is not there.
    straight_h : float
        Length of a track that no helm and no engine can have held [h].
    straight_m : float
        Its greatest distance from a steady course at a steady speed [m]; receivers alone are off by 10 m in 95 of 100
        fixes (IMO MSC.112(73)).
    straight_kn : float
        Its least speed [kn].
    speed_off_kn : float
        Difference between the speed that is reported and the one that positions show which is no matter of noise [kn].
    heading_off_deg : float
        Angle between heading and course over ground that no current explains at `heading_kn` [deg].
    heading_kn : float
        Least speed at which a course says anything of the heading [kn].
    lasting_h : float
        For how long speed or heading must contradict the positions [h].
    inland_nm : float
        On land is what is further than this from all water, rivers and canals included [nm]. The coastline shows no
        river, harbour or canal of less than 1 km: at 5 nm the Hudson at New York was still taken for land.
    swap_h : float
        Silence between two identities of one hull [h].
    swap_nm : float
        Distance between the places where one number falls silent and the other is first heard [nm].
    swap_kn : float
        How fast the hull may move meanwhile [kn]: more than tankers and bulk carriers do.
    min_confidence : float
        `mark_untrusted` acts on reasons at least as sure as this.
    """

    step_min: float = option(default=10.0, gt=0, le=60)
    window_steps: int = option(default=8, ge=5, le=48)
    circle_nm: float = option(default=0.36, gt=0, le=10)
    circle_misfit: float = option(default=0.02, gt=0, le=0.5)
    circle_kn: float = option(default=1.5, ge=0)
    circle_ships: int = option(default=3, ge=2)
    straight_h: float = option(default=2.0, gt=0, le=24)
    straight_m: float = option(default=15.0, gt=0, le=1000)
    straight_kn: float = option(default=3.0, gt=0)
    speed_off_kn: float = option(default=6.0, gt=0)
    heading_off_deg: float = option(default=60.0, gt=0, lt=150)
    heading_kn: float = option(default=3.0, gt=0)
    lasting_h: float = option(default=1.0, gt=0)
    inland_nm: float = option(default=10.0, gt=0)
    swap_h: float = option(default=72.0, gt=0)
    swap_nm: float = option(default=30.0, gt=0)
    swap_kn: float = option(default=20.0, gt=0)
    min_confidence: float = option(default=0.7, ge=0, le=1)
