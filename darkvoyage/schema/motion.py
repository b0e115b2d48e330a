"""How ships moved at the ends of their gaps: as they reported it, else as they made it good."""

from __future__ import annotations

import pandas as pd

__all__ = ["with_made_good"]


def with_made_good(gaps: pd.DataFrame) -> pd.DataFrame:
    """Fill in speeds and courses that ships did not send with those made good, where these are known.

    Parameters
    ----------
    gaps : GAPS table
        Complete; of `add_made_good` for anything to be filled in.

    Returns
    -------
    GAPS table
    """
    filled = {
        reported: gaps[reported].fillna(gaps[made_good])
        for side in ("start", "end")
        for reported, made_good in ((f"{side}_sog", f"{side}_made_good_kn"), (f"{side}_cog", f"{side}_made_good_deg"))
        if made_good in gaps
    }
    return gaps.assign(**filled)
