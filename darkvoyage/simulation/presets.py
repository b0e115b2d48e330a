"""The parameters of every world: who sails, what they do, who listens and who looks.

They are set here, before any detector is tuned, and no detector may read them. Where no source is named, a value is
drawn by eye from what the literature describes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from darkvoyage.simulation.receivers import CAMPAIGN, OCEAN, STRAIT, Jamming, Reception
from darkvoyage.simulation.scenes import Looks
from darkvoyage.simulation.sea import Sea
from darkvoyage.simulation.waters_east import east_sea
from darkvoyage.simulation.waters_ocean import ocean
from darkvoyage.simulation.waters_strait import strait

__all__ = ["PRESETS", "Group", "Habits", "Hiding", "Honesty", "Preset"]

Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Ships of one sort.

    Parameters
    ----------
    kind : {"trader", "ferry", "fisher", "passing"}
        `passing` ships cross the area once and are never heard again.
    share : float
        Weight among the ships that hide nothing.
    ship_types : tuple of int
        ITU codes.
    dwt_t, speed_kn : tuple of float
        Least and most.
    terminals_share : float
        Ships that call at one of the sensitive terminals in the open as well.
    """

    kind: str
    share: float
    ship_types: tuple[int, ...]
    dwt_t: Span
    speed_kn: Span
    terminals_share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Honesty:
    """Shares of departures after which a voyage entry is right at once, right a day late, left as it was, or false.

    Manual fields are poor: a vendor finds 26 to 47 % of visits with no usable draught.
    """

    honest: float
    late: float
    stale: float
    false: float


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What ships do that hide no call.

    Parameters
    ----------
    wait_share, wait_mean_h : float
        Arrivals that wait in the roads, and how long.
    stop_share, stop_h : float, tuple of float
        Voyages with a stop adrift, and how long.
    slow_share, slow_pace : float, tuple of float
        Voyages at a lower speed, as a part of the ship's own.
    security_share, security_per_30d, security_h : float, float, tuple of float
        Crews that switch off at sea for their own safety, how often each, and for how long; SOLAS leaves it to the
        master (IMO resolution A.1106(29)).
    berth_off_share : float
        Tanker calls at which the transmitter is isolated alongside (ISGOTT 4.8.4).
    faults_per_30d, fault_median_h : float
        Transponders that break, anywhere.
    draught, destination : Honesty
    """

    wait_share: float = 0.35
    wait_mean_h: float = 20.0
    stop_share: float = 0.12
    stop_h: Span = (5.0, 30.0)
    slow_share: float = 0.12
    slow_pace: Span = (0.70, 0.85)
    security_share: float = 0.12
    security_per_30d: float = 0.5
    security_h: Span = (6.0, 48.0)
    berth_off_share: float = 0.10
    faults_per_30d: float = 0.2
    fault_median_h: float = 14.0
    draught: Honesty = field(default=Honesty(honest=0.50, late=0.10, stale=0.38, false=0.02))
    destination: Honesty = field(default=Honesty(honest=0.70, late=0.08, stale=0.20, false=0.02))


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """What ships do that hide calls and meetings.

    Parameters
    ----------
    dwt_t : tuple of float
        Least, commonest and most deadweight.
    speed_kn : tuple of float
    per_30d : mapping of str to float
        How often one ship does what: the kinds of TRUTH, and "open_call" for a call at a terminal in the open.
    cycle_d : float
        About as long as one undertaking takes; no two of a ship begin much closer.
    span : tuple of float
        Shares of the feed's length between which undertakings begin.
    wait_share, wait_mean_h, wait_max_h : float
        Waiting in the roads of the terminal.
    load_h : tuple of float
        Alongside.
    hold_share, hold_h : float, tuple of float
        Ships that drift before they show themselves again.
    empty_share : float
        Calls without cargo.
    fill : tuple of float
        Mean, standard deviation, least and most fill of the cargo deadweight; BBC on the Open Source Centre, 2024:
        "arriving empty, and leaving almost full".
    t_per_m3 : tuple of float
        Density of the cargo, mean and standard deviation.
    meeting_h : tuple of float
        Alongside each other.
    both_dark_share : float
        Meetings at which both ships are silent; else one of them sends all the time.
    partner_share : float
        Swaps to the identity of another ship of the fleet, instead of one that no ship has.
    swap_d : tuple of float
        How long the other identity is used where the ship's own comes back, which is in half of the swaps.
    draught, destination : Honesty
    """

    dwt_t: tuple[float, float, float]
    speed_kn: Span
    per_30d: dict[str, float]
    cycle_d: float
    span: Span = (0.022, 0.93)
    wait_share: float = 0.6
    wait_mean_h: float = 24.0
    wait_max_h: float = 72.0
    load_h: Span = (14.0, 40.0)
    hold_share: float = 0.3
    hold_h: Span = (6.0, 40.0)
    empty_share: float = 0.02
    fill: tuple[float, float, float, float] = (0.90, 0.05, 0.70, 0.98)
    t_per_m3: Span = (0.845, 0.008)
    meeting_h: Span = (8.0, 30.0)
    both_dark_share: float = 0.6
    partner_share: float = 0.3
    swap_d: Span = (8.0, 30.0)
    draught: Honesty = field(default=Honesty(honest=0.28, late=0.08, stale=0.49, false=0.15))
    destination: Honesty = field(default=Honesty(honest=0.30, late=0.06, stale=0.34, false=0.30))


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One sort of world.

    Parameters
    ----------
    name : str
    sea : callable
        Gives the waters.
    fleet : tuple of Group
    hiding_share : float
        Ships that may hide something.
    habits : Habits
    hiding : Hiding
    reception : Reception
    looks : Looks
    """

    name: str
    sea: Callable[[], Sea]
    fleet: tuple[Group, ...]
    hiding_share: float
    habits: Habits
    hiding: Hiding
    reception: Reception
    looks: Looks = field(default=Looks())


_CAMPAIGN = Preset(
    name="campaign",
    sea=east_sea,
    fleet=(
        Group(kind="trader", share=0.36, ship_types=(70, 70, 79), dwt_t=(2500, 30_000), speed_kn=(10, 14)),
        Group(kind="trader", share=0.22, ship_types=(80, 80, 81, 89), dwt_t=(3000, 50_000), speed_kn=(10, 13),
              terminals_share=0.5),
        Group(kind="trader", share=0.08, ship_types=(70,), dwt_t=(2500, 7000), speed_kn=(12, 15.5)),
        Group(kind="ferry", share=0.05, ship_types=(60,), dwt_t=(6000, 6000), speed_kn=(16, 20)),
        Group(kind="fisher", share=0.22, ship_types=(30,), dwt_t=(300, 300), speed_kn=(8.5, 11)),
        Group(kind="passing", share=0.07, ship_types=(70, 80), dwt_t=(5000, 80_000), speed_kn=(11, 15)),
    ),
    hiding_share=1 / 11,
    habits=Habits(),
    # Small tankers of 3,000 to 5,000 t and 43 visits in eight months, as the press has it (BBC, 22 November 2024).
    hiding=Hiding(
        dwt_t=(3000, 3500, 5000),
        speed_kn=(9.0, 10.5),
        per_30d={"dark_call": 0.42, "dark_meeting": 0.035, "off_no_call": 0.05, "off_wait": 0.05, "spoofed": 0.025,
                 "identity_swap": 0.02, "open_call": 0.02},
        cycle_d=16.0,
    ),
    reception=CAMPAIGN,
)  # fmt: skip

_STRAIT = Preset(
    name="strait",
    sea=strait,
    fleet=(
        Group(kind="trader", share=0.22, ship_types=(70, 70, 79), dwt_t=(5000, 120_000), speed_kn=(11, 16)),
        Group(kind="trader", share=0.36, ship_types=(80, 80, 81, 84), dwt_t=(5000, 300_000), speed_kn=(10.5, 14),
              terminals_share=0.15),
        Group(kind="ferry", share=0.04, ship_types=(60,), dwt_t=(2000, 6000), speed_kn=(14, 20)),
        Group(kind="fisher", share=0.12, ship_types=(30,), dwt_t=(300, 300), speed_kn=(8, 11)),
        Group(kind="passing", share=0.26, ship_types=(70, 79, 80, 84), dwt_t=(20_000, 300_000), speed_kn=(11, 16)),
    ),
    hiding_share=0.08,
    habits=Habits(security_share=0.2),
    hiding=Hiding(
        dwt_t=(20_000, 100_000, 300_000),
        speed_kn=(10.5, 13.0),
        per_30d={"dark_call": 1.0, "dark_meeting": 0.35, "off_no_call": 0.3, "off_wait": 0.3, "spoofed": 0.25,
                 "identity_swap": 0.10, "open_call": 0.1},
        cycle_d=10.0,
        load_h=(18.0, 48.0),
        t_per_m3=(0.865, 0.012),
    ),
    reception=STRAIT,
)  # fmt: skip

_OCEAN = Preset(
    name="ocean",
    sea=ocean,
    fleet=(
        Group(kind="trader", share=0.40, ship_types=(70, 70, 79), dwt_t=(5000, 120_000), speed_kn=(11, 17)),
        Group(kind="trader", share=0.30, ship_types=(80, 80, 81, 89), dwt_t=(10_000, 300_000), speed_kn=(10.5, 14),
              terminals_share=0.15),
        Group(kind="fisher", share=0.08, ship_types=(30,), dwt_t=(300, 300), speed_kn=(8.5, 11)),
        Group(kind="passing", share=0.22, ship_types=(70, 79, 80), dwt_t=(20_000, 200_000), speed_kn=(11, 17)),
    ),
    hiding_share=0.08,
    habits=Habits(security_share=0.08),
    hiding=Hiding(
        dwt_t=(40_000, 105_000, 300_000),
        speed_kn=(10.5, 13.0),
        per_30d={"dark_call": 0.6, "dark_meeting": 0.15, "off_no_call": 0.15, "off_wait": 0.15, "spoofed": 0.15,
                 "identity_swap": 0.06, "open_call": 0.05},
        cycle_d=22.0,
        load_h=(20.0, 60.0),
        t_per_m3=(0.93, 0.02),
    ),
    reception=OCEAN,
)  # fmt: skip

# Off Fujairah and off Bandar Abbas for weeks, with circles about the nearest airfields; drawn by eye.
_JAMMING = (
    Jamming(
        lat=25.3, lon=56.6, radius_nm=45.0, from_s=2.5 * 86_400, to_s=40 * 86_400, false_lat=25.11, false_lon=56.33
    ),
    Jamming(
        lat=26.7, lon=56.4, radius_nm=40.0, from_s=5.0 * 86_400, to_s=60 * 86_400, false_lat=27.22, false_lon=56.38
    ),
)

PRESETS = {
    preset.name: preset
    for preset in (
        _CAMPAIGN,
        _STRAIT,
        _OCEAN,
        replace(
            _CAMPAIGN,
            name="honest",
            hiding_share=0.0,
            habits=replace(_CAMPAIGN.habits, security_share=0.0, berth_off_share=0.0),
        ),
        replace(_STRAIT, name="jamming", reception=replace(STRAIT, jamming=_JAMMING)),
        replace(
            _CAMPAIGN,
            name="fast",
            hiding=replace(_CAMPAIGN.hiding, load_h=(3.0, 7.0)),
            looks=Looks(missed=1.3, position=1.3, length=1.3, clutter=1.3),
        ),
        replace(
            _CAMPAIGN,
            name="drifters",
            habits=replace(_CAMPAIGN.habits, stop_share=0.6, stop_h=(10.0, 96.0), slow_share=0.5, slow_pace=(0.4, 0.7)),
        ),
    )
}
"""All presets by name."""
