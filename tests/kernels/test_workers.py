"""Work in threads comes back in its order, and what goes wrong is told."""

import threading

import pytest

from darkvoyage.kernels.workers import WORKERS, in_threads


def test_results_keep_their_order():
    first_waits = threading.Event()

    def work(item):
        if item == 0:
            assert first_waits.wait(10)
        else:
            first_waits.set()
        return item * item

    assert WORKERS > 1
    assert list(in_threads(work, range(40))) == [item * item for item in range(40)]


@pytest.mark.parametrize("number", [0, 1])
def test_little_work_starts_no_threads(number):
    assert list(in_threads(lambda _: threading.current_thread(), range(number))) == [threading.main_thread()] * number


def test_errors_come_out():
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda item: 1 / item, [1, 0]))
