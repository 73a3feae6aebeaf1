"""JSON files of a lake that are replaced as a whole: read as they are now, in one way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from storage.errors import FOLDER, CorruptLakeError
from storage.places.place import read_now


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object at ``path``; None only where nothing lies there.

    Raises CorruptLakeError for what is no JSON object, and where folder and file are mixed up. A
    store that cannot be asked raises what its client says.
    """
    try:
        data = read_now(path)
    except FileNotFoundError:
        return None
    except IsADirectoryError as error:
        raise CorruptLakeError(path, FOLDER) from error
    except NotADirectoryError as error:
        raise CorruptLakeError(path, "lies below a file, not in a folder: move it away") from error
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptLakeError(path, f"is no JSON ({error})") from error
    if not isinstance(told, dict):
        raise CorruptLakeError(path, "is no JSON object")
    return told
