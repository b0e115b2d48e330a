"""Machine code on disk: compiled once, anew when any kernel changes, and nowhere where nothing can be written."""

import shutil
import subprocess
import sys

import pytest

numba = pytest.importorskip("numba")
from numba.core import caching  # noqa: E402

from darkvoyage.kernels import compiled  # noqa: E402

HELPER = "from kernels.compiled import inline\n\n@inline\ndef step(x):\n    return x + {}\n"
CALLER = (
    "from kernels.compiled import jit\nfrom kernels.helper import step\n\n@jit\ndef twice(x):\n    return 2 * step(x)\n"
)


def run(folder):
    """Result of the compiled function in a process of its own, and whether it came from the disk."""
    code = "from kernels.caller import twice; print(twice(1), sum(twice.stats.cache_hits.values()))"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def test_a_kernel_is_compiled_once_and_anew_when_a_helper_of_another_file_changes(tmp_path):
    package = tmp_path / "kernels"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(compiled.__file__, package / "compiled.py")
    (package / "caller.py").write_text(CALLER)
    (package / "helper.py").write_text(HELPER.format(1))
    assert run(tmp_path) == (4, 0)
    assert run(tmp_path) == (4, 1)
    (package / "helper.py").write_text(HELPER.format(5))
    assert run(tmp_path) == (12, 0)


def test_without_a_place_for_machine_code_kernels_still_run(monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    @compiled.jit
    def double(number):
        return number * 2

    assert double(21) == 42
    assert double.stats.cache_path is None
