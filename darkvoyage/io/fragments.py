"""Messages of several sentences, put together across the lines, and the pieces, of a log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from darkvoyage.io.sentences import NO_TIME, Sentences, line_text

__all__ = ["Fragments", "Joined"]

_WINDOW = 100  # sentences between two of one message: in real logs hardly ever more than two
_GROUP = re.compile(rb"[\\,]g:\d-\d-(\d+)[,*]")  # NMEA 0183 4.11: sentence, sentences, number of the group


@dataclass(kw_only=True)
class Joined:
    """A message of several sentences, or as much of it as came.

    Parameters
    ----------
    source : (str or None, bytes)
        Group or station that it came from, and the talker.
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

    source: tuple[str | None, bytes]
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


class Fragments:
    """Sentences that wait for the rest of their message.

    The sentences of a message come in order, and agree in number of the message and channel, and in group or station;
    where these are not told, in talker. What cannot be completed is handed out as lost.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int, int], list[Joined]] = {}
        self._seen = 0

    def join(self, found: Sentences, first_line: int) -> tuple[list[Joined], list[Joined]]:
        """Take up the sentences of the next piece.

        Parameters
        ----------
        found : Sentences
        first_line : int
            Number of the piece's first line in the log.

        Returns
        -------
        complete, lost : list of Joined
        """
        complete: list[Joined] = []
        lost: list[Joined] = []
        for row in np.flatnonzero(found.checked & (found.total > 1)).tolist():
            self._take(found, row, first_line, complete, lost)
        for message in complete:
            message.place -= self._seen
        self._seen += len(found.starts)
        return complete, lost

    def rest(self) -> list[Joined]:
        """Return what was never completed, at the end of the log."""
        return [message for messages in self._waiting.values() for message in messages]

    def _take(self, found: Sentences, row: int, first_line: int, complete: list[Joined], lost: list[Joined]) -> None:
        place, number, total = self._seen + row, int(found.number[row]), int(found.total[row])
        source = _source(found, row)
        waiting = self._waiting.setdefault((total, int(found.sequence[row]), int(found.channel[row])), [])
        for message in list(waiting):
            if place - message.place > _WINDOW or (number == 1 and message.source == source):
                waiting.remove(message)
                lost.append(message)
        if number == 1:
            message = _begin(found, row, first_line)
            waiting.append(message)
        else:
            fits = [one for one in waiting if len(one.sentences) == number - 1 and _same(one.source, source)]
            if not fits:
                lost.append(_begin(found, row, first_line))
                return
            message = fits[0]
        message.add(found, row, place)
        if number == total:
            waiting.remove(message)
            complete.append(message)


def _begin(found: Sentences, row: int, first_line: int) -> Joined:
    line = int(found.lines[row])
    return Joined(source=_source(found, row), line=first_line + line, text=line_text(found, line))


def _same(one: tuple[str | None, bytes], other: tuple[str | None, bytes]) -> bool:
    return one[0] == other[0] if one[0] and other[0] else one[1] == other[1]


def _station(found: Sentences, row: int) -> str | None:
    return found.data[found.station[row] : found.station_end[row]].tobytes().decode() or None


def _source(found: Sentences, row: int) -> tuple[str | None, bytes]:
    group = _GROUP.search(found.data[found.begins[row] : found.starts[row]].tobytes())
    talker = found.data[found.starts[row] + 1 : found.starts[row] + 3].tobytes()
    return f"g:{group[1].decode()}" if group else _station(found, row), talker
