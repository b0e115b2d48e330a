"""What both engines of reception share: the profile of a feed, what it hears, and what its provider passes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from darkvoyage.simulation.diary import SLOT_S, Log

__all__ = ["CAMPAIGN", "DAY_S", "OCEAN", "STRAIT", "Heard", "Jamming", "Reception", "deliver"]

DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Jamming:
    """Satellite navigation is jammed around a point: receivers there have no position, or a false one.

    Parameters
    ----------
    lat, lon, radius_nm : float
        Where.
    from_s, to_s : float
        When [s since the feed began].
    silent_share : float
        Share of the fixes without any position; the others circle about `false_lat`, `false_lon`.
    false_lat, false_lon, circle_nm : float
        Centre and radius of the false circle, often an airfield (Androjna et al. 2021).
    """

    lat: float
    lon: float
    radius_nm: float
    from_s: float
    to_s: float
    silent_share: float = 0.4
    false_lat: float
    false_lon: float
    circle_nm: float = 2.5


@dataclass(frozen=True, kw_only=True)
class Reception:
    """How well a feed hears; the defaults are those of the fictional campaign, drawn by eye unless a source is named.

    Parameters
    ----------
    thin_s : float
        The provider delivers the first report in every window of this length [s]; 0: all reports.
    station_range, station_edge : float
        Factor on the range of all stations; how softly reception fades at it, as a share of the range.
    ducting_sd, ducting_share, ducting_gain : float
        Day-to-day change of log range; share of days with ducting, and the range then (ITU-R M.2123).
    class_b_range, class_b_chance : float
        Class B beside class A: 2 W instead of 12.5 W, and no slot of its own.
    fade_s, decode : float
        Reports within this time fade together [s]; chance that a report survives collisions when they do not.
    good_h, bad_h, bad_chance : float
        Mean lengths of the spells with and without good reception [h], and what is left of it in the latter.
    satellites, node_spread_h, pass_s, catch : float
        Number; spread of their local times about one o'clock [h]; length of a pass [s]; chance to hear a look of a
        mean ship in the middle of a pass where nobody else sends.
    long_range_share : float
        Share of the satellites that hear message 27.
    clock_share, clock_median_s : float
        Share of satellite days with a wrong clock, and by how much [s]; minutes to days are on record.
    station_outage_every_d, region_outage_every_d, region_nm, outage_median_h, outage_log_sd : float
        Outages of one station, and of all around one within `region_nm`: mean time between [d], log-normal length.
    feed_outage_every_d, feed_outage_h : float
        The whole feed fails once in this time [d] for so long [h].
    jamming : tuple of Jamming
        Where positions cannot be trusted.
    pasted_style : {"provider", "satellite"}
        Which real feeds the pasted receptions resemble.
    """

    thin_s: float = 600.0
    station_range: float = 1.0
    station_edge: float = 0.13
    ducting_sd: float = 0.16
    ducting_share: float = 0.04
    ducting_gain: float = 1.8
    class_b_range: float = 0.45
    class_b_chance: float = 0.35
    fade_s: float = 60.0
    decode: float = 0.9
    good_h: float = 6.0
    bad_h: float = 2.0
    bad_chance: float = 0.01
    satellites: int = 12
    node_spread_h: float = 3.0
    pass_s: float = 540.0
    catch: float = 0.35
    long_range_share: float = 0.0
    clock_share: float = 0.002
    clock_median_s: float = 300.0
    station_outage_every_d: float = 25.0
    region_outage_every_d: float = 120.0
    region_nm: float = 120.0
    outage_median_h: float = 6.0
    outage_log_sd: float = 0.8
    feed_outage_every_d: float = 256.0
    feed_outage_h: float = 20.0
    jamming: tuple[Jamming, ...] = ()
    pasted_style: str = "provider"


CAMPAIGN = Reception()
"""A provider's feed of a marginal sea: stations on friendly shores, satellites elsewhere."""
STRAIT = replace(CAMPAIGN, thin_s=180.0, satellites=20, good_h=15.0, bad_h=2.0, feed_outage_every_d=90.0)
"""Many shore stations, a fix every few minutes."""
OCEAN = replace(CAMPAIGN, satellites=20, catch=0.25, node_spread_h=5.0, long_range_share=0.4, pasted_style="satellite")
"""Satellites mostly, some of which hear message 27."""


@dataclass(frozen=True)
class Heard:
    """Reports of one hull as the provider delivers them.

    Parameters
    ----------
    seconds : ndarray of float64, shape (n,)
        When they were sent, whole seconds since the feed began [s].
    satellite : ndarray of bool, shape (n,)
        Heard from space.
    clock_s : ndarray of float64, shape (n,)
        How far the time on the report is off [s].
    """

    seconds: np.ndarray
    satellite: np.ndarray
    clock_s: np.ndarray


def deliver(log: Log, heard: Heard, feed_down: np.ndarray, thin_s: float) -> Heard:
    """What the provider passes on of the reports of one hull.

    Parameters
    ----------
    log : Log
        Nothing is sent outside it or in its silences.
    heard : Heard
        In any order.
    feed_down : ndarray, shape (outages, 2)
        When nothing is delivered [s].
    thin_s : float
        The first report in every window of this length passes [s]; 0: all.

    Returns
    -------
    Heard
        In order of time, whole seconds.
    """
    order = np.argsort(heard.seconds, kind="stable")
    seconds = np.floor(heard.seconds[order])
    keep = (seconds >= log.first * SLOT_S) & (seconds < (log.first + len(log.lat) - 1) * SLOT_S)
    for off_s, on_s in (*((silence.off_s, silence.on_s) for silence in log.silences), *feed_down):
        keep &= (seconds <= off_s) | (seconds >= on_s)
    order, seconds = order[keep], seconds[keep]
    window = np.floor(seconds / thin_s) if thin_s else seconds
    first = np.diff(window, prepend=-1.0) > 0
    order, seconds = order[first], seconds[first]
    return Heard(seconds, heard.satellite[order], heard.clock_s[order])
