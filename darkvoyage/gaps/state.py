"""Nested dicts and lists of arrays, numbers and texts in one file that holds no code: NumPy's .npz, and JSON in it."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from darkvoyage.errors import ReadError

__all__ = ["load_state", "save_state"]

_TREE = "tree"
_FORMAT = "darkvoyage gap tracker 1"


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write a state; an older file of that name stays whole until the new one is.

    Parameters
    ----------
    state : dict
        Of arrays, numbers, texts, None, and dicts and lists of these.
    path : Path
    """
    arrays: dict[str, np.ndarray] = {}
    tree = json.dumps({"format": _FORMAT, "state": _laid_out(state, arrays)})
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as stream:
        contents: dict[str, Any] = {**arrays, _TREE: np.frombuffer(tree.encode(), dtype="uint8")}
        np.savez_compressed(stream, **contents)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, path)


def load_state(path: Path) -> dict[str, Any]:
    """Read a state that `save_state` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    ReadError
        Missing, damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            tree = json.loads(archive[_TREE].tobytes().decode())
            if tree["format"] != _FORMAT:
                raise ReadError(f"{path}: not a saved tracker of this version ({tree['format']!r})")
            state: dict[str, Any] = _put_together(tree["state"], archive)
            return state
    except FileNotFoundError as error:
        raise ReadError(f"{path}: no such file") from error
    except (OSError, EOFError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ReadError(f"{path}: truncated, damaged, or no saved tracker ({error})") from error
    except ValueError as error:
        if isinstance(error, ReadError):
            raise
        # NumPy's own words would advise to run what the file holds.
        raise ReadError(f"{path}: truncated, damaged, or no saved tracker") from error


def _laid_out(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, dict):
        return {"dict": {key: _laid_out(item, arrays) for key, item in value.items()}}
    return [_laid_out(item, arrays) for item in value] if isinstance(value, (list, tuple)) else value


def _put_together(value: Any, archive: Any) -> Any:
    if isinstance(value, dict):
        if "array" in value:
            return archive[value["array"]]
        return {key: _put_together(item, archive) for key, item in value["dict"].items()}
    return [_put_together(item, archive) for item in value] if isinstance(value, list) else value
