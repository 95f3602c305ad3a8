"""The content of a data folder replaced by another, as one step: whatever is killed, and whenever, one finds the old content or the new.

The new files are made in a folder of their own inside the data folder, which may be a mount point and cannot be moved itself:

    .restore.xxxxxxxx   new files that are not whole yet: a crash leaves them, the next who opens the data folder removes them
    .restored-TIME      whole, synced and checked: this name is the step. Whoever opens the data folder next completes it
    replaced-TIME       what was there before, kept

Callers hold the data folder's lock.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hubbub.common.private_files import sync

_UNFINISHED: Final = ".restore."
_READY: Final = ".restored-"
_KEPT: Final = "replaced-"
PREFIXES: Final = (_UNFINISHED, _READY, _KEPT)


@contextmanager
def new_content(folder: Path) -> Iterator[Path]:
    """Give an empty private folder for the new files; it is removed at the end unless `replace` was called. Raises OSError."""
    staged = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def replace(folder: Path, staged: Path) -> Path | None:
    """Let the files in `staged` take the place of those of the same names; return the folder of what was there, None: nothing was. Raises OSError."""
    for file in staged.iterdir():
        sync(file)
    sync(staged)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    staged.rename(folder / f"{_READY}{time}")
    sync(folder)
    complete(folder)
    kept = folder / f"{_KEPT}{time}"
    return kept if kept.exists() else None


def is_cut_off(folder: Path) -> bool:
    """Whether a replacement waits for its completion."""
    return any(folder.glob(f"{_READY}*"))


def complete(folder: Path) -> None:
    """Bring what was cut off to its end: a replacement that was ready is made, one that was not is forgotten. Raises OSError."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    for new in sorted(folder.glob(f"{_READY}*")):
        kept = folder / new.name.replace(_READY, _KEPT)
        for file in sorted(new.iterdir()):
            # As long as the new file is in here, what has its name out there is the old one.
            _set_aside(folder, file.name, kept)
            file.rename(folder / file.name)
            sync(folder)
        new.rmdir()
        sync(folder)


def _set_aside(folder: Path, name: str, kept: Path) -> None:
    """Move a file away, with what SQLite keeps beside it: that would be replayed over the new one."""
    beside = [folder / f"{name}{ending}" for ending in ("-wal", "-shm", "-journal", "")]
    if old := [file for file in beside if file.exists()]:
        kept.mkdir(mode=0o700, exist_ok=True)
        for file in old:
            file.rename(kept / file.name)
        sync(kept)
        sync(folder)
