"""The journal of a sweep: finished work in SQLite, committed at most half a second late.

One file holds the sweep, what it was made with, and a row for each cell that has been worked on.
A killed runner loses what it had not committed; everything else is there when it starts again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from qktheory.phase.sweep import Sweep
from qktheory.phase.versions import versions

__all__ = ["COMMIT_SECONDS", "JOURNAL_NAME", "Journal", "Record"]

JOURNAL_NAME = "journal.sqlite"
#: Longest time that finished work waits for its commit.
COMMIT_SECONDS = 0.5
#: Most memory that it takes while it waits.
_COMMIT_BYTES = 1 << 20
#: Marks the file as ours ("QKTH") and says how it is laid out.
_APPLICATION, _FORMAT = 0x514B5448, 1
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cells (
    cell INTEGER PRIMARY KEY, status TEXT NOT NULL, samples INTEGER NOT NULL, state BLOB,
    estimates BLOB, message TEXT NOT NULL, predictions TEXT NOT NULL, seconds REAL NOT NULL,
    digest BLOB NOT NULL
);
"""
_COLUMNS = "cell, status, samples, state, estimates, message, predictions, seconds, digest"
#: Where SQLite's write-ahead log, which needs shared memory, must not be used.
_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "beegfs", "gpfs")
)


@dataclass(frozen=True)
class Record:
    """What the journal knows about a cell.

    Parameters
    ----------
    cell : int
        Number of the cell.
    status : {"done", "partial", "capped", "failed", "infeasible"}
        Capped: as many samples as allowed, and the accuracy not reached.
    samples : int
        Number of samples.
    state : bytes or None
        Their statistics, from which sampling goes on.
    estimates : bytes or None
        Mean, standard error and ends of the interval of each component of each observable, in
        this order, as little-endian doubles: what the result shows.
    message : str
        Traceback of a failed cell, reason of an infeasible one.
    predictions : str
        JSON, empty if nothing was asked.
    seconds : float
        Time spent on the cell.
    """

    cell: int
    status: str
    samples: int = 0
    state: bytes | None = None
    estimates: bytes | None = None
    message: str = ""
    predictions: str = ""
    seconds: float = 0.0

    def digest(self) -> bytes:
        """Return a checksum of everything that decides a result."""
        text = f"{self.status}\0{self.samples}\0{self.message}\0{self.predictions}\0"
        start = struct.pack("<q", self.cell) + text.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(start, digest_size=8)
        digest.update(self.state or b"")
        digest.update(self.estimates or b"")
        return digest.digest()


class Journal:
    """An open journal; made by `create`, `open` or `read`.

    Parameters
    ----------
    path : Path
        The file.
    connection : sqlite3.Connection
        To it.
    writes : bool, optional
        Whether it was opened to be written to.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, writes: bool = False) -> None:
        self.path = path
        self._writes = writes
        self._connection = connection
        self._pending: dict[int, Record] = {}
        self._since = time.monotonic()
        self._waiting = 0
        with self._refusing():
            self.meta = dict(connection.execute("SELECT name, value FROM meta"))

    # --- opening ---------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, sweep: Sweep, infeasible: Mapping[int, str]) -> Self:
        """Make the journal of a sweep and open it.

        Raises
        ------
        ValueError
            If it cannot be written.
        """
        path = folder / JOURNAL_NAME
        partial = folder / f".{JOURNAL_NAME}.partial"
        with _refusing(path):
            partial.unlink(missing_ok=True)
            connection = sqlite3.connect(partial)
            try:
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
                facts = {
                    "hash": sweep.hash,
                    "spec": json.dumps(sweep.to_dict()),
                    "key": str(sweep.key),
                    "versions": json.dumps(versions()),
                }
                connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
                records = (Record(c, "infeasible", message=m) for c, m in infeasible.items())
                _insert(connection, records)
                connection.commit()
            finally:
                connection.close()
            # From here on the file is there as a whole: a kill cannot leave half a journal.
            os.replace(partial, path)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the journal of a folder to go on with it.

        Raises
        ------
        ValueError
            If it is damaged, no journal, of another format, or cannot be written.
        """
        path = folder / JOURNAL_NAME
        _check_file(path)
        with _refusing(path):
            connection = sqlite3.connect(path, isolation_level=None, timeout=10.0)
            try:
                _check_format(path, connection)
                if not _on_network(folder):
                    # Answers "delete" where there is no write-ahead log, and goes on with that.
                    connection.execute("PRAGMA journal_mode = WAL").fetchone()
                connection.execute("PRAGMA synchronous = FULL")
                if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                    raise sqlite3.DatabaseError("it fails SQLite's own check")
            except BaseException:
                connection.close()
                raise
        return cls(path, connection, writes=True)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open the journal of a folder to look at it; a runner may be at work on it.

        Raises
        ------
        ValueError
            If there is none, or it is damaged or no journal.
        """
        path = folder / JOURNAL_NAME
        if not path.exists():
            raise ValueError(f"{folder} holds no sweep: expected a folder with {JOURNAL_NAME}")
        _check_file(path)
        mode = "mode=ro"
        if not os.access(folder, os.W_OK) and not path.with_name(f"{JOURNAL_NAME}-wal").exists():
            mode += "&immutable=1"  # The log's index cannot be made here, and is not needed.
        with _refusing(path):
            connection = sqlite3.connect(
                f"file:{quote(str(path.resolve()))}?{mode}", uri=True, timeout=10.0
            )
            try:
                _check_format(path, connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def close(self) -> None:
        """Commit what is pending and close the file; a journal at rest is one file again."""
        try:
            self.commit()
        finally:
            with contextlib.suppress(sqlite3.Error):
                # Readers would keep a log alive beside the file; somebody who reads now keeps it.
                if self._writes:
                    self._connection.execute("PRAGMA busy_timeout = 0")
                    self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- what it holds ---------------------------------------------------------------------------

    @property
    def sweep(self) -> Sweep:
        """The sweep of the folder, with the goal that was last aimed at."""
        return Sweep.from_dict(json.loads(self.meta["spec"]))

    @property
    def versions(self) -> dict[str, str]:
        """What the samples were drawn with."""
        found: dict[str, str] = json.loads(self.meta["versions"])
        return found

    def set_goal(self, sweep: Sweep) -> None:
        """Record a sweep that differs in its goal; cells that may need more are partial again."""
        spec = json.dumps(sweep.to_dict())
        with self._refusing(), self._transaction():
            self._connection.execute("UPDATE meta SET value = ? WHERE name = 'spec'", (spec,))
            short = self._connection.execute(
                "SELECT cell FROM cells WHERE status IN ('done', 'capped') AND samples < ?",
                (sweep.goal.samples,),
            ).fetchall()
            for record in self.records([cell for (cell,) in short]):
                _insert(self._connection, [replace(record, status="partial")])
        self.meta["spec"] = spec

    def overview(self) -> list[tuple[int, str, int]]:
        """Return cell, status and number of samples of all cells that were worked on."""
        with self._refusing():
            return list(
                self._connection.execute("SELECT cell, status, samples FROM cells ORDER BY cell")
            )

    def records(self, cells: Sequence[int] | None = None) -> Iterator[Record]:
        """Yield the records of some cells, or of all, in their order.

        Raises
        ------
        ValueError
            If one is damaged.
        """
        query = f"SELECT {_COLUMNS} FROM cells"
        with self._refusing():
            if cells is None:
                yield from map(self._record, self._connection.execute(f"{query} ORDER BY cell"))
                return
            for cell in cells:
                rows = self._connection.execute(f"{query} WHERE cell = ?", (cell,))
                yield from map(self._record, rows)

    def _record(self, row: tuple[Any, ...]) -> Record:
        record = Record(*row[:-1])
        if record.digest() != row[-1]:
            raise sqlite3.DatabaseError(f"the record of cell {record.cell} has a wrong checksum")
        return record

    # --- writing ---------------------------------------------------------------------------------

    def add(self, records: Iterable[Record]) -> None:
        """Take records in; they are committed together, by `commit` or when they are due."""
        if not self._pending:
            self._since = time.monotonic()
            self._waiting = 0
        for record in records:
            self._pending[record.cell] = record
            self._waiting += 200 + len(record.state or b"") + len(record.estimates or b"")
        if self.due_in == 0.0 or self._waiting > _COMMIT_BYTES:
            self.commit()

    @property
    def due_in(self) -> float | None:
        """Seconds until pending records have to be committed, None if there are none."""
        if not self._pending:
            return None
        return max(0.0, self._since + COMMIT_SECONDS - time.monotonic())

    def commit(self) -> None:
        """Commit pending records.

        Raises
        ------
        ValueError
            If the disk is full or fails; what was committed before is kept.
        """
        if not self._pending:
            return
        with self._refusing():
            pending, self._pending = self._pending, {}  # Not tried again on closing.
            with self._transaction():
                _insert(self._connection, pending.values())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        with _refusing(self.path):
            yield


def _insert(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    connection.executemany(
        f"INSERT OR REPLACE INTO cells ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(r.cell, r.status, r.samples, r.state, r.estimates),
                *(r.message, r.predictions, r.seconds, r.digest()),
            )
            for r in records
        ),
    )


def _check_file(path: Path) -> None:
    """Refuse what SQLite would take for a new database."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    if size == 0:
        raise ValueError(f"{path} is empty, a truncated file: {_WAY_OUT}")


def _check_format(path: Path, connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION:
        raise ValueError(f"{path} is not the journal of a sweep: {_WAY_OUT}")
    if layout != _FORMAT:
        raise ValueError(
            f"{path} has format {layout}, this version of qktheory reads format {_FORMAT}: "
            f"{_WAY_OUT}"
        )


_WAY_OUT = "expected the journal of a sweep; move it away, or choose another folder"


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn failures of SQLite and of the disk into one clear line."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        kept = "what was committed before is kept"
        if "full" in text:
            raise ValueError(
                f"{path}: the disk is full; {kept}; free some space and run it again"
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise ValueError(f"{path} cannot be written to ({text})") from error
        if "locked" in text or "disk I/O" in text:
            raise ValueError(f"{path}: {text}; {kept}; run it again") from error
        raise ValueError(f"{path} is damaged or no journal ({text}): {_WAY_OUT}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be written to ({error.strerror or error})") from error


def _on_network(folder: Path) -> bool:
    """Return whether a folder lies on a network file system, as far as the system tells."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    place = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        _, point, found, *_ = line.split(" ")
        mount = Path(point.replace("\\040", " "))
        if place.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), found
    return kind in _NETWORK or kind.startswith("fuse.")
