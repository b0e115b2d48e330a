"""Fields that were made before: in memory as far as they fit, on disk under the user's cache folder.

`DARKVOYAGE_CACHE` names another folder; `off` keeps all in memory. A folder that cannot be written to, a file that is
damaged or half there: the field is made again. Files hold plain arrays, nothing that could run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from darkvoyage.rules.sea import SeaRule
from darkvoyage.sea.field import Field, Level
from darkvoyage.sea.passages import passages
from darkvoyage.sea.raster import Window
from darkvoyage.sea.wave import Anchors

__all__ = ["VARIABLE", "FieldCache", "cache_folder"]

VARIABLE = "DARKVOYAGE_CACHE"
_VERSION = "gshhs-i 9"
"""Of the coastline and of how a field is made; files of another version are never read."""
_MEMORY_BYTES = 400_000_000
_DISK_BYTES = 2_000_000_000
"""Oldest files beyond this are deleted when one is written."""
_DECIMALS = 4
"""Places are told apart to 1e-4 degrees, about 10 m."""


def cache_folder() -> Path | None:
    """Folder of the files, None where nothing is to be kept on disk."""
    named = os.environ.get(VARIABLE, "")
    if named == "off":
        return None
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("darkvoyage") / "sea"


class FieldCache:
    """Fields by place, rule and reach; the least used leave memory first."""

    def __init__(self, *, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._fields: OrderedDict[str, Field] = OrderedDict()
        self._memory_bytes = memory_bytes
        self._held = 0
        self._lock = threading.Lock()

    def get(self, lat: float, lon: float, reach_nm: float, rule: SeaRule, make: Callable[..., Field]) -> Field:
        """Return the field of a place, from memory, from disk, or made now.

        Parameters
        ----------
        lat, lon : float
            Rounded to about 10 m first.
        reach_nm : float
        rule : SeaRule
        make : callable
            `make(lat, lon, reach_nm, rule) -> Field`.

        Returns
        -------
        Field
            Complete to `reach_nm` or farther.
        """
        lat, lon = round(lat, _DECIMALS) + 0.0, round(lon, _DECIMALS) + 0.0
        key = _key(lat, lon, rule)
        with self._lock:
            held = self._fields.get(key)
            if held is not None and held.reach_nm >= reach_nm:
                self._fields.move_to_end(key)
                return held
        folder = cache_folder()
        field = _read(folder, key, reach_nm) if folder else None
        if field is None:
            field = make(lat, lon, reach_nm, rule)
            if folder:
                _write(folder, key, field)
        with self._lock:
            self._keep(key, field)
        return field

    def clear(self) -> None:
        """Forget what is in memory."""
        with self._lock:
            self._fields.clear()
            self._held = 0

    def _keep(self, key: str, field: Field) -> None:
        if key in self._fields:
            self._held -= self._fields.pop(key).size
        self._fields[key] = field
        self._held += field.size
        while self._held > self._memory_bytes and len(self._fields) > 1:
            self._held -= self._fields.popitem(last=False)[1].size


def _key(lat: float, lon: float, rule: SeaRule) -> str:
    lines = [(each.name, each.is_open, each.way.tolist(), each.gate.tolist()) for each in passages()]
    made_of = [_VERSION, dataclasses.asdict(rule) | {"bias_share": 0, "detour_share": 0}, lines, lat, lon]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]


def _read(folder: Path, key: str, reach_nm: float) -> Field | None:
    try:
        with np.load(folder / f"{key}.npz", allow_pickle=False) as arrays:
            head, windows = arrays["head"], arrays["windows"]
            if head[2] < reach_nm:
                return None
            lat, lon, base, parent = (arrays[name] for name in ("lat", "lon", "base_nm", "parent"))
            levels = tuple(
                Level(Window(float(side), *(int(x) for x in rest)), arrays[f"level{k}"])
                for k, (side, *rest) in enumerate(windows)
            )
            if any(len(level.anchor) != level.window.rows * level.window.columns for level in levels):
                return None
    except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile):
        return None
    return Field(float(head[0]), float(head[1]), float(head[2]), bool(head[3]), Anchors(lat, lon, base, parent), levels)


def _write(folder: Path, key: str, field: Field) -> None:
    """Write a file whole or not at all; a folder that refuses is no error, the field stays in memory."""
    windows = [dataclasses.astuple(level.window) for level in field.levels]
    arrays = {
        "head": np.array([field.lat, field.lon, field.reach_nm, float(field.on_land)]),
        "windows": np.array(windows, dtype="float64").reshape(-1, 5),
        "lat": field.anchors.lat,
        "lon": field.anchors.lon,
        "base_nm": field.anchors.base_nm,
        "parent": field.anchors.parent,
        **{f"level{k}": level.anchor for k, level in enumerate(field.levels)},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(name, folder / f"{key}.npz")
        _trim(folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _trim(folder: Path) -> None:
    files = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    held = np.cumsum([path.stat().st_size for path in files])
    for path, so_far in zip(files, held, strict=True):
        if so_far > _DISK_BYTES:
            path.unlink(missing_ok=True)
