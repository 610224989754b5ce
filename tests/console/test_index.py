# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The console's index: what it keeps across restarts, that it is sealed, and what it makes of a changed file."""

from __future__ import annotations

import shutil
import signal as signals
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from feed_samples import START_MS, act, delivery, full_signal, identifier, signal
from index_filling import AUDIENCE, ENCLAVE, KEY, PLACES, fill, make_texts, open_index, sample, seen, store

from seinpost._heard_receipts import ReceiptRow
from seinpost._reading_state import Facts, Owed, ReadingState, RecallRow
from seinpost.console.feed_view import FeedView
from seinpost.console.filters import Filters
from seinpost.console.index.index_seal import IndexChangedError, IndexSeal
from seinpost.console.index.postings import SEGMENT_ROWS
from seinpost.console.index.sealed_rows import FILE, IndexFile
from seinpost.console.index.stored_delivery import decode_delivery, encode_delivery
from seinpost.console.marks import IndexSeen, Marks
from seinpost.console.matching import IndicatorSought, Meant
from seinpost.console.reading import OpenIndex, Reading, _verify_history
from seinpost.console.text_search import TextSearch
from seinpost.delivery import Alarm
from seinpost_schemas.errors import SetupError
from seinpost_schemas.uuid7 import parse_id

NOW_MS = START_MS + 365 * 86_400_000


class Desk:
    """A view on an index, as a console has it; ``again`` is that console started once more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = open_index(folder)
        self.marks = Marks(folder, KEY)
        self.view = FeedView(self.marks.is_read, self.index)
        self.feed = Reading(self.view, self.marks, lambda: None, OpenIndex(self.index, ""))
        self.feed.restore(NOW_MS)

    def again(self) -> Desk:
        self.close()
        return Desk(self.folder)

    def close(self) -> None:
        self.index.close()
        self.marks.close()

    def add(self, number: int, *made: object, place: str = "depv/process") -> None:
        """An envelope of its own for each delivery, stored."""
        for one in made:
            self.view.add(one, AUDIENCE)  # type: ignore[arg-type]
            store(self.index, place, number, [seen(one)])  # type: ignore[arg-type]
            number += 1

    def titles(self, meant: Meant = Meant(now_ms=NOW_MS), **filters: object) -> list[str]:  # noqa: B008
        return [e.signal.report.title for e in self.view.queue(Filters(**filters), meant).entries]  # type: ignore[arg-type]

    def found(self, text: str) -> int:
        search = TextSearch(text)
        search.look(self.view.texts(0))
        return len(search.found)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def sql(folder: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    database = sqlite3.connect(folder / FILE, isolation_level=None)
    for statement in statements:
        database.execute(statement, values)
    database.close()


# -- across restarts ------------------------------------------------------------------------------


def test_after_a_restart_everything_is_as_it_was(desk: Desk) -> None:
    fill(desk.view, desk.index, 0, SEGMENT_ROWS + 500)
    desk.view.mark_read(desk.view.queue(Filters(theme="debate")).entries[0])
    desk.view.mark_read(desk.view.queue(Filters(order="newest")).entries[0])
    desk.index.mark_read(SEGMENT_ROWS + 3)
    asked = [
        Filters(),
        Filters(order="newest", page=40),
        Filters(theme="debate", severity=4),
        Filters(sender="cvdm", unread=True, page=3),
        Filters(technique="disarm:T0201"),
        Filters(election="TK2025", classification="ong"),
        Filters(late=True),
        Filters(indicator="x"),
    ]
    meant = Meant(indicator=IndicatorSought("domain-name", "HOST77.example"), now_ms=NOW_MS)

    def answers(view: FeedView) -> list[object]:
        pages = [view.queue(filters, meant) for filters in asked]
        drawn = [
            (page.total, page.pages, [(e.place, e.delivery, e.unread) for e in page.entries])
            for page in pages
        ]
        counts = (
            view.counts(exercise=False),
            view.techniques(),
            view.senders,
            view.elections,
            view.last_heard,
        )
        related = view.related(pages[0].entries[0])
        return [drawn, counts, len(view), [(r.entry.place, r.indicators, r.techniques) for r in related]]

    view = desk.view
    view._states.read(SEGMENT_ROWS + 3)
    before = answers(view)
    again = desk.again()
    assert not again.index.damaged
    assert answers(again.view) == before
    assert (again.found("nummer 4321"), again.found("stembureau")) == (1, (SEGMENT_ROWS + 500 + 49) // 50)
    again.close()


def test_only_what_was_stored_with_its_position_is_there_after_a_restart(desk: Desk) -> None:
    desk.add(1, delivery(1))
    desk.view.add(delivery(2))
    desk.view.mark_read(desk.view.queue(Filters()).entries[0])
    assert len(desk.view) == 2
    again = desk.again()
    assert len(again.view) == 1
    # What was opened had the number that another signal may get now.
    assert [e.unread for e in again.view.queue(Filters()).entries] == [True]
    again.add(2, delivery(2))
    assert len(again.view) == 2
    last = again.again()
    assert [e.unread for e in last.view.queue(Filters()).entries] == [True, True]
    last.close()


def test_a_delivery_that_comes_again_after_a_restart_is_one_signal(desk: Desk) -> None:
    desk.add(1, delivery(1))
    again = desk.again()
    assert again.view.add(delivery(1)) is None
    assert len(again.view) == 1
    again.close()


def test_what_became_of_signals_is_known_after_a_restart(desk: Desk) -> None:
    desk.add(1, delivery(1), delivery(2), delivery(3), delivery(4))
    dispute, in_hand = act(5, identifier(1)), act(6, identifier(2))
    report = msgspec.structs.replace(in_hand.signal.report, act="status", status="in-hand", official="a-7")
    in_hand = msgspec.structs.replace(
        in_hand, kind=8, signal=msgspec.structs.replace(in_hand.signal, report=report)
    )
    desk.add(5, dispute, in_hand)
    stream = "FEED_2026q4_depv_process"
    recall = RecallRow(stream, 3, parse_id(identifier(3)), 1, START_MS)
    store(desk.index, PLACES[0], 7, facts=Facts(recall=recall))
    opened = tuple(ReceiptRow(stream, 8, p, 4, 4, 0, 0, 3, START_MS) for p in AUDIENCE)
    store(desk.index, PLACES[0], 8, facts=Facts(receipts=opened))
    for _ in range(2):
        one = desk = desk.again()
        assert one.titles(disputed=True) == ["Signaal 1"]
        assert one.titles(status="in-hand") == ["Signaal 2"]
        assert one.titles(status="new") == ["Signaal 4", "Signaal 3", "Signaal 1"]
        assert one.titles(late=True) == ["Signaal 2", "Signaal 1"]
        second = one.view.queue(Filters(status="in-hand")).entries[0]
        found = one.view.at_table(second)
        assert found is not None
        assert (found.status, found.official) == ("in-hand", "a-7")
        first = one.view.queue(Filters(disputed=True)).entries[0]
        assert [a.report.act for _, a in one.view.acts(first)] == ["dispute"]
    desk.close()


def test_an_alarm_about_an_entry_is_told_again_after_a_restart(desk: Desk) -> None:
    alarm = Alarm(code="signature", message="m", compartment="depv/process", index=4, evidence=b"note")
    desk.index.keep_alarm(alarm)
    desk.index.keep_alarm(alarm)
    desk.index.keep_alarm(Alarm(code="stale-checkpoint", message="m", compartment="depv/process"))
    store(desk.index, PLACES[0], 5)
    again = desk.again()
    assert [(a.code, a.index, a.evidence) for a in again.index.alarms()] == [("signature", 4, None)]
    again.close()


def test_what_is_said_in_receipts_is_the_identitys_and_no_readers(desk: Desk) -> None:
    """Another reader of the identity (`seinpost watch`) owes and claims the same, and moves no place of this one."""
    stream, owed = "FEED_2026q4_depv_process", [Owed(4, 0, 0, 3)]
    desk.index.owe(stream, owed)
    desk.index.claim(stream, 9)
    assert desk.index.first_delivery(stream, 4)
    store(desk.index, PLACES[0], 7)
    desk.index.store_directory(12, bytes(32))
    other = ReadingState(desk.folder, KEY)
    assert (other.owed(stream, 9), other.claimed(stream), other.position(stream)) == (owed, 9, 1)
    assert not other.first_delivery(stream, 4)
    with pytest.raises(SetupError, match="rolled back"):
        other.store_directory(11, bytes(32))
    other.said(stream, owed)
    other.claim(stream, 11)
    assert (desk.index.owed(stream, 9), desk.index.claimed(stream)) == ([], 11)
    with pytest.raises(SetupError, match="rolled back"):
        desk.index.verify_directory(12, bytes(31) + b"\1")
    other.close()
    desk.close()


KILLED = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from index_filling import open_index, fill
from seinpost.console.feed_view import FeedView
index = open_index(Path({folder!r}))
view = FeedView(rows=index)
view.restore(0)
print("begins at", index.stored_rows, flush=True)
fill(view, index, index.stored_rows, 1_000_000, envelope=64)
"""


def test_a_console_that_is_killed_while_indexing_loses_nothing_and_has_nothing_twice(tmp_path: Path) -> None:
    """Killed at several moments: what is there afterwards is whole, and reading goes on right after it."""
    source = KILLED.format(paths=sys.path, folder=str(tmp_path))
    rows = 0
    for seconds in (0.4, 0.9, 1.7, 0.6):
        with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == f"begins at {rows}\n"
            time.sleep(seconds)
            running.send_signal(signals.SIGKILL)
        desk = Desk(tmp_path)
        assert not desk.index.damaged
        assert desk.index.stored_rows > rows
        rows = desk.index.stored_rows
        assert rows % 64 == 0
        desk.close()
    desk = Desk(tmp_path)
    assert len(desk.view) == rows
    texts = make_texts()
    for number in range(0, rows, max(1, rows // 300)):
        assert desk.index.load(number) == sample(number, texts)
    assert desk.found("signaal nummer") == rows
    assert desk.index.position("FEED_2026q4_depv_process") == rows // 64 + 1
    desk.close()


# -- sealed ---------------------------------------------------------------------------------------


def test_nothing_of_a_signal_or_an_act_stands_in_the_clear(desk: Desk) -> None:
    desk.add(1, delivery(1, msgspec.structs.replace(full_signal(), id=identifier(1))), act(2, identifier(1)))
    fill(desk.view, desk.index, 10, SEGMENT_ROWS)
    desk.view.mark_read(desk.view.queue(Filters(severity=5)).entries[0])
    desk.close()
    held = b"".join(path.read_bytes() for path in desk.folder.iterdir()).lower()
    assert len(held) > 1_000_000
    words = make_texts()[0].split()
    for text in (
        b"stempas", b"kiezer", b"stembureau", b"telegram", b"uitslag", b"tk2025", b"t0097.202", b"disarm:t0",
        b"klopt niet", b"piket@ncsc", b"host77.example", b"signaal nummer", b"2099-03-18",
        *(word.encode() for word in words if len(word) > 7),
    ):  # fmt: skip
        assert text not in held, text


@pytest.mark.parametrize("place", [(b"row", 8), (b"text", 7), (b"head", 0)])
def test_a_value_opens_at_its_own_place_only(place: tuple[bytes, int]) -> None:
    seal = IndexSeal(KEY, bytes(16))
    sealed = seal.seal(b"waarde", b"row", 7)
    assert seal.open(sealed, b"row", 7) == b"waarde"
    assert sealed != seal.seal(b"waarde", b"row", 7)
    for other in (IndexSeal(bytes(32), bytes(16)), IndexSeal(KEY, bytes(15) + b"\1")):
        with pytest.raises(IndexChangedError):
            other.open(sealed, b"row", 7)
    for wrong in (sealed[:-1], sealed[:5], None, "text", 7):
        with pytest.raises(IndexChangedError):
            seal.open(wrong, b"row", 7)
    with pytest.raises(IndexChangedError):
        seal.open(sealed, *place)


def test_the_index_opens_with_no_other_key(desk: Desk) -> None:
    desk.add(1, delivery(1))
    desk.close()
    other = IndexFile(desk.folder, bytes(32), ENCLAVE, ReadingState(desk.folder, KEY))
    assert (other.damaged, other.stored_rows) == (True, 0)
    other.close()


def test_a_file_that_cannot_be_looked_at_is_not_thrown_away(desk: Desk) -> None:
    desk.add(1, delivery(1))
    desk.close()
    other = sqlite3.connect(desk.folder / FILE, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SetupError, match="cannot use"):
        open_index(desk.folder)
    other.close()
    again = Desk(desk.folder)
    assert (again.index.damaged, len(again.view)) == (False, 1)
    again.close()


def test_the_file_is_for_its_owner(desk: Desk) -> None:
    assert (desk.folder / FILE).stat().st_mode & 0o777 == 0o600
    desk.close()


# -- changed --------------------------------------------------------------------------------------


def turn_a_bit(folder: Path, table: str, column: str = "sealed") -> None:
    database = sqlite3.connect(folder / FILE, isolation_level=None)
    rowid, value = database.execute(f"SELECT rowid, {column} FROM {table} LIMIT 1").fetchone()  # noqa: S608
    changed = bytes([*value[:-1], value[-1] ^ 1])
    database.execute(f"UPDATE {table} SET {column}=? WHERE rowid=?", (changed, rowid))  # noqa: S608
    database.close()


CHANGES: dict[str, Callable[[Path], None]] = {
    "the head": lambda folder: turn_a_bit(folder, "head"),
    "its generation": lambda folder: turn_a_bit(folder, "head", "generation"),
    "no head": lambda folder: sql(folder, "DELETE FROM head"),
    "no head, and nothing read": lambda folder: sql(folder, "DELETE FROM read_mark", "DELETE FROM head"),
    "a segment": lambda folder: turn_a_bit(folder, "segment"),
    "no segment": lambda folder: sql(folder, "DELETE FROM segment"),
    "read marks": lambda folder: turn_a_bit(folder, "read_mark"),
    "an alarm": lambda folder: turn_a_bit(folder, "alarm"),
    "a feed's state": lambda folder: turn_a_bit(folder, "feed", "state"),
    "no feed's state": lambda folder: sql(folder, "DELETE FROM feed"),
    "a position": lambda folder: sql(folder, "UPDATE position SET next_seq=next_seq+1"),
    "no position": lambda folder: sql(folder, "DELETE FROM position"),
    "one more position": lambda folder: sql(
        folder, "INSERT INTO position VALUES('FEED_2026q4_ong_debate', 9)"
    ),
    "the last row gone": lambda folder: sql(
        folder, "DELETE FROM row WHERE number=(SELECT max(number) FROM row)"
    ),
    "a row too many": lambda folder: sql(folder, "INSERT INTO row SELECT max(number)+1, sealed FROM row"),
    "a signal that counts as delivered": lambda folder: sql(
        folder, "INSERT INTO seen VALUES('ncsc', x'00', x'00')"
    ),
    "the tail's last row": lambda folder: sql(
        folder,
        "UPDATE row SET sealed=(SELECT sealed FROM row WHERE number=0) WHERE number>4100",
    ),
    "no SQLite file": lambda folder: (folder / FILE).write_bytes(b"nothing" * 1_000) and None,
    "cut short": lambda folder: (folder / FILE).write_bytes((folder / FILE).read_bytes()[:50_000]) and None,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_was_changed_is_emptied_and_said_to_be(
    desk: Desk, change: Callable[[Path], None]
) -> None:
    desk.index.keep_alarm(Alarm(code="signature", message="m", compartment="depv/process", index=0))
    fill(desk.view, desk.index, 0, SEGMENT_ROWS + 20)
    desk.view.mark_read(desk.view.queue(Filters()).entries[0])
    desk.index.settle()
    desk.close()
    change(desk.folder)
    again = Desk(desk.folder)
    assert again.index.damaged or again.feed.rebuilt == "damaged"
    assert (len(again.view), again.index.stored_rows) == (0, 0)
    assert again.index.position("FEED_2026q4_depv_process") == 1
    # It is built again, and what was opened is known from elsewhere.
    fill(again.view, again.index, 0, 300)
    assert len(again.view) == 300
    final = again.again()
    assert (final.index.damaged, len(final.view)) == (False, 300)
    final.close()


def test_rows_that_were_swapped_are_noticed_when_one_is_looked_at(desk: Desk) -> None:
    fill(desk.view, desk.index, 0, SEGMENT_ROWS)
    desk.close()
    sql(desk.folder, "UPDATE row SET number=-1 WHERE number=4")
    sql(desk.folder, "UPDATE row SET number=4 WHERE number=5")
    sql(desk.folder, "UPDATE row SET number=5 WHERE number=-1")
    again = Desk(desk.folder)
    assert again.index.load(3) == sample(3, make_texts())
    for row in (4, 5):
        with pytest.raises(IndexChangedError):
            again.index.load(row)
    again.close()


def test_a_row_that_was_taken_out_is_noticed_when_it_is_looked_at(desk: Desk) -> None:
    fill(desk.view, desk.index, 0, SEGMENT_ROWS)
    desk.close()
    sql(desk.folder, "DELETE FROM row WHERE number=7")
    again = Desk(desk.folder)
    with pytest.raises(IndexChangedError):
        again.index.load(7)
    again.close()


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_texts_that_were_changed_or_taken_out_are_not_passed_over(desk: Desk, change: str) -> None:
    fill(desk.view, desk.index, 0, 2_000)
    desk.index.settle()
    desk.close()
    if change == "gone":
        sql(desk.folder, "DELETE FROM text WHERE first=(SELECT max(first) FROM text)")
    else:
        turn_a_bit(desk.folder, "text")
    again = Desk(desk.folder)
    with pytest.raises(IndexChangedError):
        again.found("signaal")
    again.close()


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_values_that_were_changed_or_taken_out_are_noticed_when_one_is_asked_for(
    desk: Desk, change: str
) -> None:
    fill(desk.view, desk.index, 0, SEGMENT_ROWS)
    desk.close()
    if change == "gone":
        sql(desk.folder, "DELETE FROM posting")
    else:
        turn_a_bit(desk.folder, "posting")
    again = Desk(desk.folder)
    with pytest.raises(IndexChangedError):
        again.titles(technique="disarm:T0201")
    again.close()


def test_what_an_earlier_building_sealed_does_not_open_in_the_next(desk: Desk) -> None:
    desk.add(1, delivery(1, signal("Van vroeger", id=identifier(1))))
    older = desk.index._value("SELECT sealed FROM row WHERE number=?", 0)
    desk.index.start_over()
    desk.view.start_over()
    desk.add(1, delivery(1, signal("Van nu", id=identifier(1))))
    sql(desk.folder, "UPDATE row SET sealed=? WHERE number=0", values=(older,))
    with pytest.raises(IndexChangedError):
        desk.index.load(0)
    desk.close()


def test_another_enclave_finds_nothing(desk: Desk) -> None:
    desk.add(1, delivery(1))
    desk.close()
    other = open_index(desk.folder, bytes(15) + b"\1")
    assert other.stored_rows == 0
    other.close()


def copy_of(folder: Path) -> Path:
    target = folder.parent / f"{folder.name}-earlier"
    shutil.copytree(folder, target)
    return target


def put_back(earlier: Path, folder: Path) -> None:
    for suffix in ("-wal", "-shm"):
        (folder / (FILE + suffix)).unlink(missing_ok=True)
    shutil.copy(earlier / FILE, folder / FILE)


def test_a_file_from_an_earlier_moment_is_noticed_and_built_again(desk: Desk) -> None:
    fill(desk.view, desk.index, 0, 256)
    desk.index.settle()
    earlier = copy_of(desk.folder)
    fill(desk.view, desk.index, 256, 256)
    desk.index.settle()
    desk.marks.remember_index(IndexSeen(desk.index.generation, desk.index.stored_rows))
    again = desk.again()
    assert _verify_history(again.index, again.marks) == ""
    again.close()
    put_back(earlier, desk.folder)
    again = Desk(desk.folder)
    assert _verify_history(again.index, again.marks) == "put-back"
    assert again.index.stored_rows == 0
    again.close()


def test_a_file_that_is_gone_is_noticed(desk: Desk) -> None:
    assert _verify_history(desk.index, desk.marks) == ""
    fill(desk.view, desk.index, 0, 256)
    desk.marks.remember_index(IndexSeen(desk.index.generation, desk.index.stored_rows))
    desk.close()
    for suffix in ("", "-wal", "-shm"):
        (desk.folder / (FILE + suffix)).unlink(missing_ok=True)
    again = Desk(desk.folder)
    assert _verify_history(again.index, again.marks) == "lost"
    again.close()


def test_a_head_of_an_earlier_moment_does_not_make_rows_be_forgotten(desk: Desk) -> None:
    """Who puts back the head alone, to make the newest rows disappear, makes everything be read again."""
    fill(desk.view, desk.index, 0, 256)
    head = desk.index._db.execute("SELECT sealed FROM head").fetchone()[0]
    fill(desk.view, desk.index, 256, 256)
    desk.close()
    sql(desk.folder, "UPDATE head SET sealed=?", values=(head,))
    sql(desk.folder, "DELETE FROM row WHERE number>=256")
    again = Desk(desk.folder)
    assert (again.index.damaged, again.index.position("FEED_2026q4_depv_process")) == (True, 1)
    again.close()


def test_a_delivery_of_a_version_with_other_fields_is_built_again_and_not_misread() -> None:
    data = encode_delivery(act(2, identifier(1)), AUDIENCE)
    assert decode_delivery(data) == (act(2, identifier(1)), AUDIENCE)
    parts = msgspec.msgpack.decode(data)
    for fields in (parts[3][:-1], [*parts[3], 1]):
        with pytest.raises(msgspec.MsgspecError):
            decode_delivery(msgspec.msgpack.encode([*parts[:3], fields]))
