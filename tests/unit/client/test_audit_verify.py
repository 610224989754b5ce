# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An export of logs in memory, and everything that can be wrong with one; each is named with its place."""

from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from trial.enclave import LOG_KEYS, PROCESS, TrialEnclave, identity
from trial.export import TrialExport, note, tree_of
from trial.log import TrialLog
from trial.samples import encoded, id_of

from seinpost.audit_verify import verify_export
from seinpost.export_layout import body_path
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.clear_bodies import Recall, RecallReason, Receipt, ReceiptState, Run
from seinpost_schemas.entry import parse_feed_headers
from seinpost_schemas.header import object_hash
from seinpost_schemas.kinds import Kind
from seinpost_schemas.merkle import EMPTY_ROOT
from seinpost_schemas.signing import SIGNATURE_BYTES

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")
LOG = f"2026q4/{PROCESS}"
Change = Callable[[TrialLog], None]


def fill(log: TrialLog, envelopes: int) -> None:
    """An epoch of ncsc, and an envelope of one signal each."""
    secrets = log.add_epoch(NCSC)
    for number in range(envelopes - 1):
        log.add_signals(NCSC, secrets, encoded(number))


def export_of(enclave: TrialEnclave, folder: Path, *changes: Change) -> TrialExport:
    log = TrialLog(enclave)
    for change in changes:
        change(log)
    return TrialExport(enclave, folder, log)


@pytest.fixture(scope="module")
def enclave() -> TrialEnclave:
    return TrialEnclave()


@pytest.fixture
def export(enclave: TrialEnclave, tmp_path: Path) -> TrialExport:
    """Eight entries."""
    return export_of(enclave, tmp_path / "export", lambda log: fill(log, 8))


# -- entries ------------------------------------------------------------------------------------------


def flip(path: Path, at: int, bit: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.write_bytes(bytes(data))


ENTRY_BYTES = 2 + 253
"""An entry in a bundle: its length, then the entry."""


def bundle(export: TrialExport, log: str) -> Path:
    (found,) = (export.path / log / "tile" / "entries" / "000.p").iterdir()
    return found


@pytest.mark.parametrize("log", [LOG, "directory"])
def test_a_changed_entry_is_named_whichever_of_its_bytes_it_was(export: TrialExport, log: str) -> None:
    """Time, directory size, header, hash of the signature: not the one after it, where the order breaks."""
    path = bundle(export, log)
    data = path.read_bytes()
    count = int(path.name)
    width = len(data) // count
    assert width * count == len(data)
    for index in range(count):
        for at in range(2, width, 9):
            flip(path, index * width + at)
            assert export.wrong_at()[0] == f"{log}, entry {index}"
            path.write_bytes(data)
    export.verify()


def test_the_other_files_of_an_entry_name_it_too(export: TrialExport) -> None:
    rng = random.Random("entry")
    (signatures,) = (export.path / LOG / "signatures" / "000.p").iterdir()
    (leaves,) = (export.path / LOG / "tile" / "0" / "000.p").iterdir()
    for index in range(8):
        body = export.path / LOG / body_path(index)
        places = [
            (signatures, index * SIGNATURE_BYTES + rng.randrange(SIGNATURE_BYTES)),
            (leaves, index * 32 + rng.randrange(32)),
            (body, rng.randrange(body.stat().st_size)),
        ]
        for path, at in places:
            flip(path, at)
            assert export.wrong_at()[0] == f"{LOG}, entry {index}", path
            flip(path, at)
    export.verify()


def test_an_entry_and_its_tile_changed_together_are_found_by_what_was_signed(
    export: TrialExport, enclave: TrialEnclave, tmp_path: Path
) -> None:
    """Back-dating entry 3 in everything that can be made again: entry 3 is named, or what the log signed."""
    log = TrialLog(enclave)
    fill(log, 8)
    other = TrialLog(enclave)
    other.messages[:] = log.messages
    back_dated = log.message(log.signals(NCSC, log.add_epoch(NCSC)), admitted_ms=log.now_ms - 60_000)
    other.messages[3] = back_dated
    made = TrialExport(enclave, tmp_path / "other", other)
    assert made.wrong_at()[0] == f"{LOG}, entry 3"


# -- checkpoints --------------------------------------------------------------------------------------


def test_checkpoints_of_every_size_are_held_against_the_entries_before_them(export: TrialExport) -> None:
    tree = export.trees[LOG]
    for size in range(8):
        export.add_checkpoint(LOG, note(LOG, tree, size))
    report = export.verify()
    assert {log.log: log.checkpoints for log in report.logs} == {"directory": 1, LOG: 9}


@pytest.mark.parametrize("size", [1, 4, 7, 8])
@pytest.mark.parametrize("beside", [False, True])
def test_a_checkpoint_with_another_root_is_a_split_view(
    export: TrialExport, size: int, *, beside: bool
) -> None:
    """Signed as the log signs; also where an honest one of that size stands beside it, the newest included."""
    forged = LOG_KEYS.sign(Checkpoint(f"proef/{LOG}", size, b"\xff" * 32), 1_800_000_000)
    place = export.add_checkpoint(LOG, forged)
    if beside and size < 8:
        export.add_checkpoint(LOG, note(LOG, export.trees[LOG], size))
    found, why = export.wrong_at()
    assert found == place
    assert "split view" in why


def test_a_checkpoint_over_more_than_is_there_was_rolled_back(
    export: TrialExport, enclave: TrialEnclave
) -> None:
    longer = TrialLog(enclave)
    fill(longer, 12)
    place = export.add_checkpoint(LOG, note(LOG, tree_of(longer.messages), 12))
    found, why = export.wrong_at()
    assert found == place
    assert "rolled back" in why


@pytest.mark.parametrize("data", [b"junk", b""])
def test_a_published_note_that_is_none_is_named(export: TrialExport, data: bytes) -> None:
    place = export.add_checkpoint(LOG, data)
    assert "unreadable-" in place
    assert export.wrong_at()[0] == place


def test_a_checkpoint_of_another_log_is_named(export: TrialExport) -> None:
    place = export.add_checkpoint(LOG, note("directory", export.trees["directory"], 2))
    assert export.wrong_at()[0] == place


def test_a_checkpoint_under_the_name_of_another_is_named(export: TrialExport) -> None:
    tree = export.trees[LOG]
    place = export.add_checkpoint(LOG, note(LOG, tree, 3))
    export.write(place, note(LOG, tree, 4))
    assert export.wrong_at()[0] == place


# -- receipts and recalls -----------------------------------------------------------------------------


def opened(*runs: tuple[int, int], size: int = 0) -> bytes:
    made = tuple(Run("2026q4", first, last, 0, 0, ReceiptState.OPENED) for first, last in runs)
    return Receipt("2026q4", size, EMPTY_ROOT, made).encode()


def recall(log: TrialLog, index: int, number: int = 0) -> bytes:
    hash_ = object_hash(parse_feed_headers(dict(log.messages[index].headers))[0].header_bytes)
    return Recall(hash_, "2026q4", index, id_of(number), RecallReason.MISTAKE).encode()


def logged(sender: str, kind: Kind, body: Callable[[TrialLog], bytes]) -> Change:
    return lambda log: log.append(log.clear(identity(sender), kind, body(log))) and None


ALLOWED: dict[str, Change] = {
    "a receipt of what is there": logged("tafel-1", Kind.RECEIPT, lambda _: opened((1, 3), size=4)),
    "a recall by its sender": logged("ncsc-1", Kind.RECALL, lambda log: recall(log, 2)),
    "a recall by another machine of its party": logged("ncsc-2", Kind.RECALL, lambda log: recall(log, 2)),
}
WRONG: dict[str, Change] = {
    "a receipt that says one thing twice": logged(
        "tafel-1", Kind.RECEIPT, lambda _: opened((1, 3), (1, 3), size=4)
    ),
    "a receipt of itself": logged("tafel-1", Kind.RECEIPT, lambda _: opened((1, 4))),
    "a receipt with a checkpoint over itself": logged(
        "tafel-1", Kind.RECEIPT, lambda _: opened((1, 1), size=5)
    ),
    "a recall by another party": logged("ibd-1", Kind.RECALL, lambda log: recall(log, 2)),
    "a recall of an epoch": logged("ncsc-1", Kind.RECALL, lambda log: recall(log, 0)),
    "a recall of what is elsewhere": logged(
        "ncsc-1", Kind.RECALL, lambda log: recall(log, 2)[:40] + (3).to_bytes(8, "big") + recall(log, 2)[48:]
    ),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
def test_what_receipts_and_recalls_may_name_holds(
    enclave: TrialEnclave, tmp_path: Path, change: Change
) -> None:
    assert export_of(enclave, tmp_path, lambda log: fill(log, 4), change).verify().logs[1].entries == 5


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_receipt_or_recall_that_no_reader_would_believe_is_named(
    enclave: TrialEnclave, tmp_path: Path, change: Change
) -> None:
    export = export_of(enclave, tmp_path, lambda log: fill(log, 4), change, lambda log: fill(log, 2))
    assert export.wrong_at()[0] == f"{LOG}, entry 4"


# -- size ---------------------------------------------------------------------------------------------


def test_a_log_of_more_than_a_tile_holds_and_every_tile_counts(enclave: TrialEnclave, tmp_path: Path) -> None:
    export = export_of(enclave, tmp_path, lambda log: fill(log, 600))
    tree = export.trees[LOG]
    for size in (255, 256, 257, 512):
        export.add_checkpoint(LOG, note(LOG, tree, size))
    assert export.verify().logs[1].root == tree.root().hex()
    tiles = sorted(
        str(p.relative_to(export.path)) for p in (export.path / LOG / "tile").rglob("*") if p.is_file()
    )
    assert f"{LOG}/tile/1/000.p/2" in tiles
    assert len(tiles) == 2 * 3 + 1
    flip(export.path / LOG / "tile" / "1" / "000.p" / "2", 40)
    assert export.wrong_at()[0] == f"{LOG}/tile/1/000.p/2"
    flip(export.path / LOG / "tile" / "1" / "000.p" / "2", 40)
    flip(export.path / LOG / "tile" / "entries" / "001", 10 * ENTRY_BYTES + 20)
    assert export.wrong_at()[0] == f"{LOG}, entry 266"


def test_memory_does_not_grow_with_the_bodies_of_a_log(enclave: TrialEnclave, tmp_path: Path) -> None:
    """Three times the entries, and far from three times the memory: signatures alone would be 2.3 MB more."""

    def peak(envelopes: int) -> int:
        export = export_of(enclave, tmp_path / str(envelopes), lambda log: fill(log, envelopes))
        export.verify()
        tracemalloc.start()
        export.verify()
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    small, large = peak(300), peak(900)
    assert large - small < 600 * 1_500


def test_progress_is_said_log_by_log(export: TrialExport) -> None:
    said: list[str] = []
    verify_export(export.path, export._enclave_id, said.append)
    assert said == [f"{LOG}: 8 entries"]


def test_nothing_else_may_be_there(export: TrialExport) -> None:
    export.write(f"{LOG}/bodies/000000099", b"")
    assert export.wrong_at()[0] == f"{LOG}/bodies/000000099"
    (export.path / LOG / "bodies" / "000000099").unlink()
    (export.path / "elsewhere").symlink_to(export.path.parent)
    assert export.wrong_at()[0] == "elsewhere"


def test_what_is_not_a_file_is_named_and_not_waited_for(export: TrialExport) -> None:
    path = bundle(export, LOG)
    path.unlink()
    os.mkfifo(path)
    place, said = export.wrong_at()
    assert (place, "is not a file" in said) == (str(path.relative_to(export.path)), True)
    path.unlink()
    path.mkdir()
    assert export.wrong_at()[0] == place
