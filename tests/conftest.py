import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=40, print_blob=True)
settings.register_profile(
    "long", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile(os.environ.get("DARKVOYAGE_HYPOTHESIS", "ci"))

# Distances by sea made by one run of the tests serve the next, as long as the code that makes them is the same.
SEA = Path(__file__).resolve().parents[1] / "darkvoyage" / "sea"
CODE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SEA.glob("*.py")))).hexdigest()[:12]
os.environ.setdefault("DARKVOYAGE_CACHE", str(Path(tempfile.gettempdir()) / f"darkvoyage-tests-{os.getuid()}-{CODE}"))

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real sets beside the project; what needs it is skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip(f"real data are absent: {REAL}")
    return REAL
