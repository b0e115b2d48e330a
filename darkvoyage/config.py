"""Options: one frozen rule per stage, gathered in `VoyageConfig`, which round-trips TOML.

Every default cites where it comes from. A value out of bounds, or a name that no rule has, is a `RuleError`.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path

from darkvoyage.errors import ReadError, RuleError
from darkvoyage.options import option, refuse_unknown, rule

__all__ = [
    "CargoRule", "CleanRule", "GapRule", "LinkRule", "PortRule", "ReceptionRule", "ScoreRule", "VisitRule",
    "VoyageConfig",
]  # fmt: skip


@rule
class CleanRule:
    """How `clean_fixes` judges fixes.

    Parameters
    ----------
    max_speed_kn : float
        A transition faster than this is a jump [kn]. 50 kn is the implied-speed limit in use at open AIS tools; the
        fastest displacement ships in service stay below it.
    jump_slack_nm : float
        Distance forgiven in any transition [nm]: position error, and times rounded to the minute at 20 kn (0.33 nm).
    hull_min_fixes : int
        A stretch of at least this many fixes that cannot belong to the main track is another hull; a shorter one is a
        jump. Same order as the short-segment limit of gpsdio-segment 3.0.0 (10).
    hull_min_share : float
        Another hull also needs this share of the MMSI's fixes while it lasts; scattered false positions have less.
    lookahead : int
        How many later stretches of the same MMSI are tried as continuation of one.
    """

    max_speed_kn: float = option(default=50.0, gt=0, le=1000)
    jump_slack_nm: float = option(default=1.0, ge=0, le=100)
    hull_min_fixes: int = option(default=10, ge=2)
    hull_min_share: float = option(default=0.05, ge=0, le=1)
    lookahead: int = option(default=8, ge=1, le=64)


@rule
class GapRule:
    """What counts as a gap.

    Parameters
    ----------
    min_gap_h : float
        A silence longer than this, strictly, is a gap [h]. 6 h: Skylight's dark events and Global Fishing Watch's naive
        gaps.
    lookback_h : float
        Window of the fix counts before and after the gap [h]. 12 h: Welch et al. 2022, pipe-gaps 0.9.4.
    max_lateness_h : float
        In dumps and daily updates, a fix that comes further than this behind the newest of its MMSI is left out and
        counted [h]. 24 h: daily archives; satellite AIS comes in within hours.
    """

    min_gap_h: float = option(default=6.0, gt=0)
    lookback_h: float = option(default=12.0, gt=0, le=24)
    max_lateness_h: float = option(default=24.0, ge=0, le=8760)


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


@rule
class LinkRule:
    """How sightings are linked to gaps.

    Parameters
    ----------
    max_speed_kn : float
        Class cap of the space-time prism [kn]; 16 kn covered 99.95 % of masked tanker gaps.
    slack_nm : float
        Radius added to the prism [nm].
    share_bridge, share_excursion, share_prism : float
        Weights of going straight on, of calling at a port and coming back, and of being anywhere reachable.
    port_sd_nm : float
        Spread of berth positions around a port [nm].
    service_h : float
        Time alongside assumed for the excursion [h].
    detour_nm : float
        An excursion's weight falls by exp(-detour / detour_nm) [nm].
    background_per_nm2 : float
        Density of vessels that nobody told us about, at a port or anchorage [1/nm2].
    false_alarm_per_nm2 : float
        Density of detections that are no vessel [1/nm2].
    unknown_length_m, unknown_length_log_sd : float
        Log-normal length of unknown vessels [m]; 53 m is the median of unmatched radar detections (Kroodsma et al.
        2022). The sightings at hand adjust it.
    p_detect_max : float
        Chance that a ship of good size in a clear scene is seen.
    min_llr : float
        Pairs below this are dropped [nats].
    """

    max_speed_kn: float = option(default=16.0, gt=0, le=80)
    slack_nm: float = option(default=0.2, ge=0)
    share_bridge: float = option(default=0.60, gt=0)
    share_excursion: float = option(default=0.25, gt=0)
    share_prism: float = option(default=0.15, gt=0)
    port_sd_nm: float = option(default=0.8, gt=0)
    service_h: float = option(default=20.0, gt=0)
    detour_nm: float = option(default=200.0, gt=0)
    background_per_nm2: float = option(default=0.03, gt=0)
    false_alarm_per_nm2: float = option(default=0.0003, gt=0)
    unknown_length_m: float = option(default=53.0, gt=0)
    unknown_length_log_sd: float = option(default=0.6, gt=0)
    p_detect_max: float = option(default=0.95, gt=0, lt=1)
    min_llr: float = option(default=-7.0, le=0)


@rule
class ScoreRule:
    """How evidence adds up to a transfer score.

    Parameters
    ----------
    prior : float
        Prior probability that a gap with a sensitive port in reach hides a transfer there. 0.04 makes the expected
        number of calls come out right to about a tenth on three development campaigns; set it for your region and
        fleet.
    pool_calls : float
        How many calls' worth of "as usual" a port must overcome before the other gaps' evidence raises its share of the
        prior; large = every gap for itself.
    off_without_call : float
        Share of deliberate or accidental switch-offs without a call (security, habit, faults) among all other gaps:
        however strong the silence, it cannot tell these from a call.
    open_llr : float
        Counted against a hidden call where the ship was broadcasting at the port itself at either end of the gap: who
        shows himself there does not hide the call, and terminals may ask for silence alongside [nats].
    other_ship_llr : float
        Counted against a ship that reports another type than tanker [nats]; not a filter, since dry-cargo ships
        converted to carry oil have been reported (UN Panel of Experts on North Korea).
    max_silence, max_sighting, max_call, max_draught, max_absence : float
        Bounds of each kind of evidence [nats].
    reason_llr : float
        Evidence stronger than this is put into words [nats].
    """

    prior: float = option(default=0.04, gt=0, lt=1)
    pool_calls: float = option(default=5.0, gt=0)
    off_without_call: float = option(default=0.05, gt=0, lt=1)
    open_llr: float = option(default=math.log(20.0), ge=0)
    other_ship_llr: float = option(default=math.log(8.0), ge=0)
    max_silence: float = option(default=math.log(300.0), gt=0)
    max_sighting: float = option(default=math.log(200.0), gt=0)
    max_call: float = option(default=math.log(50.0), gt=0)
    max_draught: float = option(default=math.log(8.0), gt=0)
    max_absence: float = option(default=math.log(50.0), gt=0)
    reason_llr: float = option(default=0.3, ge=0)


@rule
class CargoRule:
    """How cargo is estimated and counted.

    Parameters
    ----------
    product : str
        Product assumed aboard; one of the bundled conversion factors.
    fill_low, fill_mode, fill_high : float
        Triangular fill of the cargo deadweight; 0.6 / 0.9 / 0.98.
    cargo_share_of_dwt : float
        Cargo capacity over deadweight where tank volume is unknown.
    capacity_log_sd : float
        Log error of a capacity known from deadweight only.
    density_log_sd : float
        Log error of the barrels per tonne, shared by all trips.
    draws : int
        Monte-Carlo draws.
    seed : int
        Seed of the draws; same seed, same table.
    """

    product: str = option(default="gasoil")
    fill_low: float = option(default=0.60, ge=0, le=1)
    fill_mode: float = option(default=0.90, ge=0, le=1)
    fill_high: float = option(default=0.98, ge=0, le=1)
    cargo_share_of_dwt: float = option(default=0.96, gt=0, le=1)
    capacity_log_sd: float = option(default=0.05, ge=0, le=1)
    density_log_sd: float = option(default=0.015, ge=0, le=1)
    draws: int = option(default=4000, ge=100)
    seed: int = option(default=20240307, ge=0)


_RULES: dict[str, type] = {
    "clean": CleanRule, "gap": GapRule, "reception": ReceptionRule, "port": PortRule, "link": LinkRule,
    "score": ScoreRule, "cargo": CargoRule,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class VoyageConfig:
    """All options of an investigation.

    Parameters
    ----------
    clean, gap, reception, port, link, score, cargo
        The rule of each stage.
    cap_bbl : float
        Yearly cap the ledger is held against [bbl]. 500,000: refined products to North Korea from all suppliers, UN
        Security Council resolution 2397 (2017), paragraph 5.

    Raises
    ------
    RuleError
        A value is out of its bounds.
    """

    clean: CleanRule = CleanRule()
    gap: GapRule = GapRule()
    reception: ReceptionRule = ReceptionRule()
    port: PortRule = PortRule()
    link: LinkRule = LinkRule()
    score: ScoreRule = ScoreRule()
    cargo: CargoRule = CargoRule()
    cap_bbl: float = 500_000.0

    def __post_init__(self) -> None:
        """Check the parts."""
        for name, kind in _RULES.items():
            if not isinstance(getattr(self, name), kind):
                raise RuleError(f"VoyageConfig.{name} = {getattr(self, name)!r}: expected a {kind.__name__}")
        cap = self.cap_bbl
        if isinstance(cap, bool) or not isinstance(cap, (int, float)) or not 0 < cap < math.inf:
            raise RuleError(f"VoyageConfig.cap_bbl = {cap!r}: must be a finite number greater than 0")

    def to_toml(self) -> str:
        """Return the options as TOML, one table per rule."""
        import tomli_w

        return tomli_w.dumps(dataclasses.asdict(self))

    @classmethod
    def from_toml(cls, text: str) -> VoyageConfig:
        """Read options from TOML; what is not named keeps its default.

        Raises
        ------
        RuleError
            Not TOML, an unknown name, or a value out of its bounds.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RuleError(f"configuration is not TOML: {error}") from error
        refuse_unknown("VoyageConfig", data, [*_RULES, "cap_bbl"])
        for name, kind in _RULES.items():
            if name in data:
                if not isinstance(data[name], dict):
                    raise RuleError(f"VoyageConfig.{name} = {data[name]!r}: expected a table of options")
                data[name] = kind(**data[name])
        return cls(**data)

    def save(self, path: str | Path) -> None:
        """Write the options to a TOML file."""
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> VoyageConfig:
        """Read the options from a TOML file.

        Raises
        ------
        ReadError
            The file cannot be read.
        RuleError
            See `from_toml`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ReadError(f"{path}: cannot be read ({error})") from error
        return cls.from_toml(text)
