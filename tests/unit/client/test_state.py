# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity keeps on disk: it survives, it shows nothing, and what was changed in it is noticed."""

from __future__ import annotations

import hmac
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seinpost import _reading_state
from seinpost._reading_mark import ReadingMark
from seinpost._reading_state import ReadingState, Seen
from seinpost._sending_state import SendingState
from seinpost_schemas.errors import SetupError

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
ID = bytes.fromhex("0198c5d7a00070008000000000000001")


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[ReadingState]:
    state = ReadingState(tmp_path, KEY)
    yield state
    state.close()


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[SendingState]:
    state = SendingState(tmp_path)
    yield state
    state.close()


def reopened(path: Path, key: bytes = KEY) -> ReadingState:
    return ReadingState(path, key)


def everything_on_disk(path: Path) -> bytes:
    """All files of a state directory, the write-ahead log among them."""
    return b"".join(p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file())


# -- what comes back ------------------------------------------------------------------------------


def test_a_new_reader_knows_nothing(reading: ReadingState) -> None:
    assert reading.position("S") == 1
    assert reading.load_feed("S") is None
    assert reading.load_audit("o") is None
    assert reading.seen_digests("ncsc", [ID]) == {}


def test_everything_a_reader_stored_comes_back(tmp_path: Path, reading: ReadingState) -> None:
    digest = reading.digest((b"a", None, b"", None))
    reading.commit("S", 5, b"feed state", [Seen("ncsc", ID, digest)])
    reading.store_audit("proef/2026q4/depv/process", b"audited")
    reading.store_directory(7, b"r" * 32)
    reading.close()
    again = reopened(tmp_path)
    assert again.position("S") == 5
    assert again.load_feed("S") == b"feed state"
    assert again.load_audit("proef/2026q4/depv/process") == b"audited"
    assert again.seen_digests("ncsc", [ID]) == {ID: digest}
    assert again.seen_digests("ibd", [ID]) == {}
    again.verify_directory(7, b"r" * 32)
    again.close()


def test_a_commit_is_whole_or_not_at_all(reading: ReadingState) -> None:
    reading.commit("S", 5, b"before", [])
    with pytest.raises(sqlite3.Error):
        reading.commit("S", 6, b"after", [Seen("ncsc", ID, b"d"), Seen("ncsc", object(), b"d")])  # type: ignore[arg-type]
    assert (reading.position("S"), reading.load_feed("S")) == (5, b"before")
    assert reading.seen_digests("ncsc", [ID]) == {}


def test_a_process_that_is_killed_loses_no_commit(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from seinpost._reading_state import ReadingState, Seen
state = ReadingState(Path({str(tmp_path)!r}), b"k" * 32)
for n in range(1, 11):
    state.commit("S", n + 1, b"feed %d" % n, [Seen("ncsc", bytes([n]) * 16, b"d")])
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert done.returncode == -signal.SIGKILL
    again = reopened(tmp_path)
    assert (again.position("S"), again.load_feed("S")) == (11, b"feed 10")
    assert again.seen_digests("ncsc", [bytes([10]) * 16]) == {bytes([10]) * 16: b"d"}
    again.close()


def test_starting_over_forgets_where_it_was(reading: ReadingState) -> None:
    for stream in ("S", "T"):
        reading.commit(stream, 5, b"feed", [Seen("ncsc", ID, b"d")])
    reading.forget(["S"])
    assert (reading.position("S"), reading.load_feed("S")) == (1, None)
    assert (reading.position("T"), reading.load_feed("T")) == (5, b"feed")
    assert reading.seen_digests("ncsc", [ID]) == {}


def test_a_signal_seen_once_keeps_its_first_digest(reading: ReadingState) -> None:
    reading.commit("S", 2, b"f", [Seen("ncsc", ID, b"first")])
    reading.commit("S", 3, b"f", [Seen("ncsc", ID, b"second")])
    assert reading.seen_digests("ncsc", [ID]) == {ID: b"first"}


def test_of_many_signals_those_that_were_seen_are_found_and_no_others(reading: ReadingState) -> None:
    numbers = [n.to_bytes(16, "big") for n in range(1_024)]
    half = {n: n[-2:] for n in numbers[::2]}
    reading.commit("S", 2, b"f", [Seen("ncsc", n, d) for n, d in half.items()])
    reading.commit("S", 3, b"f", [Seen("ibd", numbers[1], b"another's")])
    for count in (0, 1, 255, 256, 257, 1_024):
        wanted = {n: d for n, d in half.items() if n in numbers[:count]}
        assert reading.seen_digests("ncsc", numbers[:count]) == wanted


def test_a_digest_is_the_one_that_was_stored_by_earlier_versions(reading: ReadingState) -> None:
    """HMAC-SHA256 under the storage key, cut to 16 bytes: what was delivered must stay known."""
    message = b"seinpost/seen/v1" + b"\1\0\0\0\2ab" + b"\0" + b"\1\0\0\0\0" + b"\0"
    assert reading.digest((b"ab", None, b"", None)) == hmac.new(KEY, message, "sha256").digest()[:16]


# -- put back -------------------------------------------------------------------------------------


def put_back(path: Path, stream: str = "S") -> int | None:
    state = reopened(path)
    try:
        return state.put_back(stream)
    finally:
        state.close()


def test_a_database_that_is_older_than_its_mark_was_put_back(tmp_path: Path, reading: ReadingState) -> None:
    reading.commit("S", 5, b"feed", [])
    reading.close()
    before = (tmp_path / "reading.db").read_bytes()
    again = reopened(tmp_path)
    again.commit("S", 9, b"feed", [])
    again.store_directory(7, b"r" * 32)
    again.close()
    assert put_back(tmp_path) is None
    (tmp_path / "reading.db").write_bytes(before)
    assert put_back(tmp_path) == 8
    assert put_back(tmp_path, "other") is None
    # The directory that it had seen is remembered too.
    again = reopened(tmp_path)
    with pytest.raises(SetupError, match="where this machine saw 7"):
        again.store_directory(6, b"r" * 32)
    again.close()
    (tmp_path / "reading.db").unlink()
    assert put_back(tmp_path) == 8


def test_starting_over_on_purpose_is_not_a_loss(tmp_path: Path, reading: ReadingState) -> None:
    for stream in ("S", "T"):
        reading.commit(stream, 5, b"feed", [])
    reading.close()
    again = reopened(tmp_path)
    again.forget(["S"])
    assert (again.put_back("S"), again.put_back("T"), again.position("T")) == (None, None, 5)
    again.close()
    assert put_back(tmp_path) is None


def test_a_mark_is_never_ahead_of_the_database(
    tmp_path: Path, reading: ReadingState, monkeypatch: Any
) -> None:
    """Written every few seconds, once the database is synchronised; a killed process left an older one."""
    monkeypatch.setattr(_reading_state, "_MARK_SECONDS", -1.0)
    order: list[str] = []
    store = ReadingMark.store

    def spy(self: ReadingMark, read: Any) -> None:
        order.append(f"mark {read['S']}")
        # Nothing of the database is only in the write-ahead log any more.
        busy, log, done = reading._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert (busy, log) == (0, done)
        copy = tmp_path / "copy"
        copy.mkdir(exist_ok=True)
        (copy / "reading.db").write_bytes((tmp_path / "reading.db").read_bytes())
        other = reopened(copy)
        assert other.position("S") - 1 == read["S"]
        other._unmarked = {}
        other.close()
        store(self, read)

    monkeypatch.setattr(ReadingMark, "store", spy)
    for n in (2, 3, 4):
        reading.commit("S", n, b"feed", [])
    assert order == ["mark 1", "mark 2", "mark 3"]


def test_another_identitys_mark_or_a_changed_one_is_said(tmp_path: Path, reading: ReadingState) -> None:
    reading.commit("S", 5, b"feed", [])
    reading.close()
    mark = tmp_path / "reading.db.mark"
    assert mark.stat().st_mode & 0o777 == 0o600
    other = reopened(tmp_path, OTHER_KEY)
    with pytest.raises(SetupError, match=r"reading\.db\.mark"):
        other.put_back("S")
    other.close()
    mark.write_bytes(mark.read_bytes()[:-1])
    with pytest.raises(SetupError, match=r"reading\.db\.mark"):
        put_back(tmp_path)


# -- what it shows --------------------------------------------------------------------------------


def test_nothing_on_disk_shows_a_secret_or_a_signal(tmp_path: Path, reading: ReadingState) -> None:
    sections = (b"handling", b"a report of something", None, b"a source")
    reading.store_audit("origin", b"an audited note")
    reading.commit("S", 2, b"a feed's own state", [Seen("ncsc", ID, reading.digest(sections))])
    whole = everything_on_disk(tmp_path)
    assert b"origin" in whole  # the control: this does see what is there
    for secret in (b"an audited note", b"a feed's own state", KEY, *filter(None, sections)):
        assert secret not in whole


def test_a_digest_says_nothing_to_who_lacks_the_key_and_differs_for_every_content(
    tmp_path: Path, reading: ReadingState
) -> None:
    contents = [
        (b"a", b"b", None, None),
        (b"ab", b"", None, None),
        (b"a", b"b", b"", None),
        (b"a", None, b"b", None),
        (b"a", b"b", None, b""),
        (None, b"a", b"b", None),
    ]
    digests = [reading.digest(c) for c in contents]
    assert len(set(digests)) == len(contents)
    other = ReadingState(tmp_path / "other", OTHER_KEY)
    assert not {other.digest(c) for c in contents} & set(digests)
    other.close()


def test_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        reading, sending = ReadingState(tmp_path / "s", KEY), SendingState(tmp_path / "s")
        reading.store_position("S", 2)
        sending.reserve("depv/process", 5)
    finally:
        os.umask(before)
    files = [p for p in (tmp_path / "s").iterdir() if p.is_file()]
    assert {"reading.db", "sending.db"} <= {p.name for p in files}
    assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    reading.close()
    sending.close()


# -- what was changed -----------------------------------------------------------------------------

LOADS: dict[str, tuple[Callable[[ReadingState], object], Callable[[ReadingState], object]]] = {
    "feed": (lambda s: s.commit("S", 2, b"feed", []), lambda s: s.load_feed("S")),
    "audit": (lambda s: s.store_audit("o", b"audited"), lambda s: s.load_audit("o")),
}
SQL = {
    "feed": ("SELECT state FROM feed", "UPDATE feed SET state=?"),
    "audit": ("SELECT sealed FROM audit", "UPDATE audit SET sealed=?"),
}


@pytest.mark.parametrize(("store", "load"), LOADS.values(), ids=LOADS.keys())
def test_another_identitys_directory_is_noticed(
    tmp_path: Path, store: Callable[[ReadingState], object], load: Callable[[ReadingState], object]
) -> None:
    mine = reopened(tmp_path)
    store(mine)
    mine.close()
    other = reopened(tmp_path, OTHER_KEY)
    with pytest.raises(SetupError, match="belongs to another identity or was changed"):
        load(other)
    other.close()


@pytest.mark.parametrize("table", LOADS)
@pytest.mark.parametrize("at", [0, 30, -1])
def test_a_changed_byte_is_noticed(reading: ReadingState, table: str, at: int) -> None:
    store, load = LOADS[table]
    store(reading)
    read, write = SQL[table]
    sealed = bytearray(reading._db.execute(read).fetchone()[0])
    sealed[at] ^= 1
    reading._db.execute(write, (bytes(sealed),))
    with pytest.raises(SetupError, match="was changed"):
        load(reading)


@pytest.mark.parametrize("table", LOADS)
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"short",
        pytest.param("text"),
    ],
)
def test_a_value_of_another_kind_is_noticed(reading: ReadingState, table: str, value: bytes | str) -> None:
    store, load = LOADS[table]
    store(reading)
    reading._db.execute(SQL[table][1], (value,))
    with pytest.raises(SetupError):
        load(reading)


def test_a_value_moved_to_another_place_is_noticed(reading: ReadingState) -> None:
    """With a longer log's state a reader would pass over what it has not read of this one."""
    reading.commit("FEED_2026q4_depv_process", 3, b"two entries", [])
    reading.commit("FEED_2026q4_depv_debate", 900, b"many entries", [])
    reading._db.execute(
        "UPDATE feed SET state=(SELECT state FROM feed WHERE stream LIKE '%debate') WHERE stream LIKE '%process'"
    )
    with pytest.raises(SetupError):
        reading.load_feed("FEED_2026q4_depv_process")


@pytest.mark.parametrize("make", [lambda p: ReadingState(p, KEY), SendingState], ids=["reading", "sending"])
@pytest.mark.parametrize("junk", [b"this is not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4_096])
def test_a_corrupt_file_is_said_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], object], junk: bytes
) -> None:
    for name in ("reading.db", "sending.db"):
        (tmp_path / name).write_bytes(junk)
    with pytest.raises(SetupError, match="cannot use"):
        make(tmp_path)


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot use"):
        SendingState(tmp_path / "file")


# -- the directory's floor ------------------------------------------------------------------------


def test_a_directory_that_became_shorter_or_another_is_noticed_across_a_restart(tmp_path: Path) -> None:
    state = reopened(tmp_path)
    state.store_directory(7, b"r" * 32)
    state.close()
    again = reopened(tmp_path)
    again.verify_directory(6, b"?" * 32)
    again.verify_directory(8, b"?" * 32)
    with pytest.raises(SetupError, match="rolled back or forked"):
        again.verify_directory(7, b"?" * 32)
    with pytest.raises(SetupError, match="rolled back"):
        again.store_directory(6, b"r" * 32)
    again.store_directory(8, b"s" * 32)
    with pytest.raises(SetupError, match="rolled back"):
        again.store_directory(7, b"r" * 32)
    again.close()


# -- sending --------------------------------------------------------------------------------------


def test_a_new_sender_starts_at_nothing(sending: SendingState) -> None:
    assert sending.load("depv/process") == (0, bytes(32))
    assert sending.answers_from() == 1


def test_everything_a_sender_stored_comes_back(tmp_path: Path, sending: SendingState) -> None:
    sending.reserve("depv/process", 1_024)
    sending.store_head("depv/process", b"h" * 32)
    sending.reserve("depv/process", 2_048)
    sending.reserve("ong/process", 1_024)
    sending.store_answers_from(17)
    sending.close()
    again = SendingState(tmp_path)
    assert again.load("depv/process") == (2_048, b"h" * 32)
    assert again.load("ong/process") == (1_024, bytes(32))
    assert again.answers_from() == 17
    again.close()


def test_a_reserved_seq_survives_a_kill(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from seinpost._sending_state import SendingState
SendingState(Path({str(tmp_path)!r})).reserve("depv/process", 1024)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGKILL
    again = SendingState(tmp_path)
    assert again.load("depv/process") == (1_024, bytes(32))
    again.close()


def test_a_reserved_seq_is_on_disk_and_not_only_in_a_cache(sending: SendingState) -> None:
    """2 is FULL: the write-ahead log is synchronised at every commit."""
    assert sending._durable.execute("PRAGMA synchronous").fetchone() == (2,)
    statements: list[str] = []
    sending._durable.set_trace_callback(statements.append)
    sending.reserve("depv/process", 1_024)
    assert len(statements) == 1


def test_two_processes_states_do_not_tear_each_others_apart(tmp_path: Path) -> None:
    """The locks keep them apart; without, SQLite's own must still leave every row whole."""
    code = f"""
from pathlib import Path
from seinpost._reading_state import ReadingState, Seen
import sys
state = ReadingState(Path({str(tmp_path)!r}), b"k" * 32)
for n in range(60):
    state.commit(sys.argv[1], n + 2, sys.argv[1].encode() * 50, [Seen(sys.argv[1], n.to_bytes(16, "big"), b"d")])
"""
    reopened(tmp_path).close()
    both = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("first", "second")]
    assert [p.wait(60) for p in both] == [0, 0]
    again = reopened(tmp_path)
    numbers = [n.to_bytes(16, "big") for n in range(60)]
    for name in ("first", "second"):
        assert (again.position(name), again.load_feed(name)) == (61, name.encode() * 50)
        assert again.seen_digests(name, numbers) == dict.fromkeys(numbers, b"d")
    again.close()
