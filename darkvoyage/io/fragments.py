"""Messages of several sentences, put together across the lines, and the pieces, of a log."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from darkvoyage.io.sentences import NO_TIME, Sentences, line_text

__all__ = ["Fragments", "Joined", "Together"]

_WINDOW = 100  # sentences between two of one message: in real logs hardly ever more than two
_LONGEST_STATION = 16  # letters that are compared at once

_Source = tuple[int, str | None, bytes]


@dataclass(kw_only=True)
class Joined:
    """A message of several sentences, or as much of it as came.

    Parameters
    ----------
    source : (int, str or None, bytes)
        Group and station that it came from, and the talker.
    line, text : int, str
        First line of it in the log, from 1.
    place : int
        Its last sentence, counted from 0 over the log; in the piece, once it is complete.
    micros : int
        Time of the first sentence that has one, or `NO_TIME`.
    station : str or None
    sentences : list of bytes
    payload : bytes
    fill : int
        Unused bits at the end of the payload.
    """

    source: _Source
    line: int
    text: str
    place: int = 0
    micros: int = int(NO_TIME)
    station: str | None = None
    sentences: list[bytes] = field(default_factory=list)
    payload: bytes = b""
    fill: int = 0

    def add(self, found: Sentences, row: int, place: int) -> None:
        """Take up its next sentence."""
        self.place = place
        self.sentences.append(found.data[found.starts[row] : found.ends[row]].tobytes())
        self.payload += found.data[found.payload[row] : found.payload[row] + found.size[row]].tobytes()
        self.fill = int(found.fill[row])
        self.micros = int(found.micros[row]) if self.micros == NO_TIME else self.micros
        self.station = self.station or _station(found, row)


@dataclass(frozen=True)
class Together:
    """What the sentences of a piece make up.

    Parameters
    ----------
    pairs : ndarray of int64
        First sentences of messages whose second and last sentence comes right after.
    complete : list of Joined
        Other messages of several sentences.
    lost : list of Joined
        Sentences that will not become a message.
    """

    pairs: np.ndarray
    complete: list[Joined]
    lost: list[Joined]


class Fragments:
    """Sentences that wait for the rest of their message.

    The sentences of a message come in order, and agree in number of the message and channel, and in group or station;
    where these are not told, in talker. Of several that wait, the last fits.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int, int], list[Joined]] = {}
        self._seen = 0

    def join(self, found: Sentences, first_line: int) -> Together:
        """Take up the sentences of the next piece.

        Parameters
        ----------
        found : Sentences
        first_line : int
            Number of the piece's first line in the log.

        Returns
        -------
        Together
        """
        of_several = found.checked & (found.total > 1)
        pairs = self._undisturbed(_pairs(found, of_several), of_several)
        of_several[pairs] = of_several[pairs + 1] = False
        out = Together(pairs, [], [])
        for row in np.flatnonzero(of_several).tolist():
            self._take(found, row, first_line, out)
        for message in out.complete:
            message.place -= self._seen
        self._seen += len(found.starts)
        return out

    def rest(self) -> list[Joined]:
        """Return what was never completed, at the end of the log."""
        return [message for messages in self._waiting.values() for message in messages]

    def _undisturbed(self, pairs: np.ndarray, of_several: np.ndarray) -> np.ndarray:
        """Choose the pairs before which no sentence can still be waiting."""
        loose = of_several.copy()
        loose[pairs] = loose[pairs + 1] = False
        earlier = max((message.place - self._seen for message in self.rest()), default=-_WINDOW - 1)
        last = np.append(earlier, np.flatnonzero(loose))
        return pairs[pairs - last[np.searchsorted(last, pairs) - 1] > _WINDOW]

    def _take(self, found: Sentences, row: int, first_line: int, out: Together) -> None:
        place, number, total = self._seen + row, int(found.number[row]), int(found.total[row])
        source = _source(found, row)
        waiting = self._waiting.setdefault((total, int(found.sequence[row]), int(found.channel[row])), [])
        for message in list(waiting):
            if place - message.place > _WINDOW or (number == 1 and message.source == source):
                waiting.remove(message)
                out.lost.append(message)
        if number == 1:
            waiting.append(_begin(found, row, first_line))
        fits = [one for one in waiting if len(one.sentences) == number - 1 and _same(one.source, source)]
        if not fits:
            out.lost.append(_begin(found, row, first_line))
            return
        message = fits[-1]
        message.add(found, row, place)
        if number == total:
            waiting.remove(message)
            out.complete.append(message)


def _begin(found: Sentences, row: int, first_line: int) -> Joined:
    line = int(found.lines[row])
    return Joined(source=_source(found, row), line=first_line + line, text=line_text(found, line))


def _source(found: Sentences, row: int) -> _Source:
    talker = found.data[found.starts[row] + 1 : found.starts[row] + 3].tobytes()
    return int(found.group[row]), _station(found, row), talker


def _station(found: Sentences, row: int) -> str | None:
    return found.data[found.station[row] : found.station_end[row]].tobytes().decode() or None


def _same(one: _Source, other: _Source) -> bool:
    if one[0] >= 0 and other[0] >= 0:
        return one[0] == other[0]
    return one[1] == other[1] if one[1] and other[1] else one[2] == other[2]


def _pairs(found: Sentences, of_several: np.ndarray) -> np.ndarray:
    """Find first sentences of two that are right before their second, by the same rules for whole arrays."""
    first = np.flatnonzero(of_several[:-1] & of_several[1:])
    second = first + 1
    fits = (found.total[first] == 2) & (found.number[first] == 1) & (found.number[second] == 2)
    for name in ("total", "sequence", "channel", "group"):
        values = getattr(found, name)
        fits &= values[first] == values[second]
    for letter in (1, 2):  # the talker
        fits &= found.data[found.starts[first] + letter] == found.data[found.starts[second] + letter]
    return first[fits & _stations_agree(found, first, second)]


def _stations_agree(found: Sentences, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    length, other = ((found.station_end - found.station)[rows] for rows in (first, second))
    agree = (length == other) & (length <= _LONGEST_STATION)
    for step in range(_LONGEST_STATION):
        letters = found.data[found.station[first] + step] == found.data[found.station[second] + step]
        agree &= letters | (step >= length)
    return agree | (length == 0) | (other == 0)
