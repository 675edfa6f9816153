"""Lines that cannot be put into the log where they belong: kept as they came, in files that ``import`` reads.

``late.log`` has lines of alarms that came when the log was past their time, ``late-….csv`` such call records below
their header, ``unplaced.log`` failures and recoveries of which nobody knows the node or the time.
"""

import os
from hashlib import blake2b
from pathlib import Path

LATE, UNPLACED = "late.log", "unplaced.log"


class Aside:
    """A folder of such lines. It is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[str, list[bytes]] = {}
        self._headers: dict[str, bytes] = {}

    def put(self, name: str, text: bytes, header: bytes = b"") -> None:
        """Put a text aside, below a header in a file of call records. It is written with the next :meth:`write`."""
        if header:
            name = f"late-{blake2b(header, digest_size=4).hexdigest()}.csv"
            self._headers[name] = header
        self._waiting.setdefault(name, []).append(text)

    @property
    def has_some(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._waiting)

    def write(self) -> None:
        """Write what waits, so that it is on disk. Raises OSError."""
        if not self._waiting:
            return
        self.folder.mkdir(exist_ok=True)
        for name, texts in self._waiting.items():
            path = self.folder / name
            with path.open("ab") as file:
                file.write(b"".join(text + b"\n" for text in [*self._before(path, name), *texts]))
                file.flush()
                os.fsync(file.fileno())
        self._waiting.clear()

    def files(self) -> list[Path]:
        """The files that are there."""
        return sorted(path for path in self.folder.glob("*") if path.is_file())

    def _before(self, path: Path, name: str) -> list[bytes]:
        """What stands before new lines: a header, or the end of a line in which a crash has broken off."""
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if not size:
                return [self._headers[name]] if name in self._headers else []
            file.seek(size - 1)
            return [] if file.read(1) == b"\n" else [b""]
