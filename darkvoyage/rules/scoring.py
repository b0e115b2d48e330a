"""Options of the transfer score and of the cargo estimate."""

from __future__ import annotations

import math

from darkvoyage.options import option, rule

__all__ = ["CargoRule", "ScoreRule"]


@rule
class ScoreRule:
    """How evidence adds up to a transfer score.

    Parameters
    ----------
    prior : float
        Prior probability that a gap with a sensitive port in reach hides a transfer there. 0.025 makes the expected
        number of calls come out right in four development campaigns (0.93 of the true ones with 0.02, 1.04 with 0.03);
        other seas have fewer (1.2 to 1.5 expected for one true). Set it for your region and fleet.
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

    prior: float = option(default=0.025, gt=0, lt=1)
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
