import numpy as np

from darkvoyage.kernels.mixing import splitmix


def test_the_published_sequence():
    # First outputs of the reference implementation for seed 1234567 (Vigna, splitmix64.c): its state grows by the
    # golden gamma before each step, here inside `splitmix`.
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + step * gamma) % 2**64 for step in range(5)], dtype="uint64")
    assert splitmix(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_nothing_in_nothing_out():
    assert splitmix(np.empty(0, dtype="uint64")).tolist() == []
