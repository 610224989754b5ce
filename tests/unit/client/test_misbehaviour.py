# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader that is told two histories ends with a file that convicts the log, and keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
from trial.enclave import ENCLAVE, LOG_KEYS, T0, TrialEnclave, identity
from trial.export import note, tree_of
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import encoded

from seinpost import _auditing, _evidence, subscriber
from seinpost._evidence import keep_evidence
from seinpost._findings import Findings, note_audited, note_recalled
from seinpost.delivery import Alarm
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.split_view import Misbehaviour, decode_split_view, is_split_view, verify_split_view
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
)

NCSC, TAFEL = identity("ncsc-1"), identity("tafel-1")
LOG = "2026q4/depv/process"
SECONDS = T0 // 1000


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(_auditing, "_AUDIT_SECONDS", 0.01)
    monkeypatch.setattr(_auditing, "_IDLE_AUDIT_MS", 20)


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    """The table, on eight entries of depv/process."""
    secrets = log.add_epoch(NCSC)
    for number in range(7):
        log.add_signals(NCSC, secrets, encoded(number))
    return TrialReader(enclave, TAFEL, tmp_path / "tafel", log)


def publish(reader: TrialReader, data: bytes) -> None:
    subject = direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(f"{ENCLAVE}/{LOG}"))
    reader.transport.notes[subject] = data


def hear(reader: TrialReader, data: bytes, log: str = LOG) -> None:
    reader.transport.heard.append((f"seinpost.gossip.ncsc.{log.replace('/', '.')}", data))


def forged(size: int, log: str = LOG) -> bytes:
    return LOG_KEYS.sign(Checkpoint(f"{ENCLAVE}/{log}", size, b"\xff" * 32), SECONDS)


def splits(reader: TrialReader) -> list[Alarm]:
    return [a for a in reader.alarms if a.code == "split-view"]


def convicted(alarm: Alarm, enclave: TrialEnclave) -> Misbehaviour:
    assert alarm.evidence is not None
    return verify_split_view(decode_split_view(alarm.evidence), enclave.enclave_id)


@pytest.mark.parametrize("size", [3, 8])
async def test_a_fork_that_is_heard_of_convicts_also_at_another_size(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader, size: int
) -> None:
    tree = tree_of(log.messages)
    await reader.read()
    publish(reader, note(LOG, tree, 8, SECONDS))
    # The one of eight entries is held against, whatever size the fork is shown at.
    hear(reader, forged(size))
    await reader.read(stop=lambda: any(is_split_view(a.evidence or b"") for a in splits(reader)))
    found = convicted(splits(reader)[-1], enclave)
    assert (found.origin, found.tree_size) == (f"{ENCLAVE}/{LOG}", size)
    assert set(found.roots) == {b"\xff" * 32, tree.root(size)}


async def test_what_convicts_may_come_later_and_is_said_then(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    """Nothing that was signed covers six entries yet: the note alone is what there is, until something does."""
    tree = tree_of(log.messages)
    publish(reader, note(LOG, tree, 4, SECONDS))
    await reader.read()
    fork = forged(6)
    hear(reader, fork)
    await reader.read(stop=lambda: bool(splits(reader)))
    assert [a.evidence for a in splits(reader)] == [fork]

    def newer() -> bool:
        publish(reader, note(LOG, tree, 8, SECONDS + 1))
        return len(splits(reader)) == 3

    # A new process hears of it again, and then sees the note that covers it.
    await reader.read(stop=newer)
    assert [is_split_view(a.evidence or b"") for a in splits(reader)] == [False, False, True]
    assert convicted(splits(reader)[-1], enclave).tree_size == 6


@pytest.mark.parametrize("smaller", [False, True])
async def test_a_directory_of_which_another_was_shown_convicts_its_log_too(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader, *, smaller: bool
) -> None:
    size = enclave.size - 2 if smaller else enclave.size
    reader.transport.set_directory_checkpoint(enclave.checkpoint(SECONDS))
    reader.confirm = True
    hear(reader, forged(size, "directory"), "directory")
    await reader.read(stop=lambda: bool(splits(reader)))
    (alarm,) = splits(reader)
    assert alarm.compartment == "directory"
    found = convicted(alarm, enclave)
    assert (found.origin, found.tree_size) == (directory_origin(ENCLAVE), size)


# -- kept ---------------------------------------------------------------------------------------------


def test_evidence_is_kept_once_for_its_owner_under_a_name_that_says_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "evidence"
    kept = keep_evidence(folder, "split-view", "depv/process", b"a note")
    assert kept is not None
    assert kept.name.startswith("split-view-depv-process-")
    assert (kept.suffix, kept.stat().st_mode & 0o777) == (".note", 0o600)
    assert keep_evidence(folder, "split-view", "depv/process", b"a note") == kept
    proof = keep_evidence(folder, "split-view", "depv/process", b'{"format":"seinpost-split-view/1"}')
    assert proof is not None
    assert proof.suffix == ".json"
    assert sorted(folder.iterdir()) == sorted([kept, proof])


def test_a_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    kept = keep_evidence(tmp_path / "evidence", "quorum", "../../x/" + "y" * 500, b"1")
    assert kept is not None
    assert kept.parent == tmp_path / "evidence"


def test_alarms_cannot_fill_a_disk_and_a_proof_is_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_evidence, "_MAX_FILES", 2)
    kept = [keep_evidence(tmp_path / "e", "quorum", "depv/process", bytes([n])) for n in range(4)]
    assert [k is not None for k in kept] == [True, True, False, False]
    proof = b'{"format":"seinpost-split-view/1"}'
    assert keep_evidence(tmp_path / "e", "split-view", "depv/process", proof) is not None


def proof_file(number: int) -> bytes:
    return b'{"format":"seinpost-split-view/1","number":%d}' % number


def test_of_one_log_the_first_proofs_and_the_newest_are_kept(tmp_path: Path) -> None:
    """Whoever holds a log's key can sign lies for ever; one convicts."""
    folder = tmp_path / "e"
    kept = [keep_evidence(folder, "split-view", "depv/process", proof_file(n)) for n in range(100)]
    assert len(list(folder.iterdir())) == _evidence.FIRST_PROOFS + 1
    first, later = kept[: _evidence.FIRST_PROOFS], kept[_evidence.FIRST_PROOFS :]
    assert [p.read_bytes() for p in first if p is not None] == [proof_file(n) for n in range(len(first))]
    assert set(later) == {folder / "split-view-depv-process-newest.json"}
    assert later[-1] is not None
    assert later[-1].read_bytes() == proof_file(99)
    assert [p is not None and _evidence.is_newest(p) for p in kept] == [False] * 16 + [True] * 84
    # Shown again, the first is where it was; another log has places of its own.
    assert keep_evidence(folder, "split-view", "depv/process", proof_file(0)) == first[0]
    other = keep_evidence(folder, "split-view", "directory", proof_file(100))
    assert other is not None
    assert not _evidence.is_newest(other)


def test_that_only_the_newest_is_kept_is_said_once(tmp_path: Path) -> None:
    told: list[Alarm] = []
    findings = Findings(tmp_path, told.append, note_audited, note_recalled)
    for number in range(20):
        findings.take_alarm(
            Alarm(code="split-view", message="m", compartment="depv/process", evidence=proof_file(number))
        )
    assert [n for n, alarm in enumerate(told) if alarm.message != "m"] == [_evidence.FIRST_PROOFS]
    assert "only the first 16 proofs and the newest are kept" in told[16].message
    assert all(alarm.evidence_file for alarm in told)


def test_a_disk_that_takes_nothing_stops_no_reader(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert keep_evidence(tmp_path / "file", "quorum", "depv/process", b"1") is None


async def test_the_controls_one_history_convicts_nobody(log: TrialLog, reader: TrialReader) -> None:
    tree = tree_of(log.messages)
    publish(reader, note(LOG, tree, 8, SECONDS))
    for size in (3, 8):
        hear(reader, note(LOG, tree, size, SECONDS))
    assert len(await reader.read()) == 7
    looks = iter(range(200))
    await reader.read(stop=lambda: next(looks, None) is None)
    assert splits(reader) == []
