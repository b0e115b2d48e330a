import datetime as dt

import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import RuleError
from darkvoyage.schema.times import moment_us

NOON_US = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z, from `date -u -d @1709294400`


@pytest.mark.parametrize(
    "moment",
    [
        "2024-03-01T12:00:00Z",
        "2024-03-01 14:00+02:00",
        dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC),
        pd.Timestamp("2024-03-01T07:00", tz="America/New_York"),
    ],
)
def test_one_moment_in_many_forms(moment):
    assert moment_us(moment, "since") == NOON_US


@pytest.mark.parametrize(
    "moment", ["2024-03-01", pd.Timestamp("2024-03-01"), np.datetime64("2024-03-01"), "soon", 3.0, True, pd.NaT, "NaT"]
)
def test_what_is_no_moment_is_refused(moment):
    with pytest.raises(RuleError, match=r"since = .*: expected a timezone-aware time"):
        moment_us(moment, "since")
