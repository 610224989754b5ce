# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An export of a live, witnessed enclave, checked by someone who holds nothing but the enclave's id."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.dishonest import dishonest
from harness.enclave import Enclave, make_enclave, run, start
from harness.raw import connected, hub
from harness.samples import line

from seinpost.audit_verify import ExportError, verify_export
from seinpost.export_layout import MANIFEST, decode_manifest
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.directory import DIRECTORY_ENTRY_BYTES
from seinpost_schemas.entry import ENTRY_BYTES
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.signing import SIGNATURE_BYTES

pytestmark = [pytest.mark.nats]
FULL_DISK = """
import os
sync, calls = os.fsync, []
def fsync(descriptor):
    calls.append(descriptor)
    if len(calls) > 5:
        raise OSError(28, os.strerror(28))
    sync(descriptor)
os.fsync = fsync
"""
PARTIES = ("ncsc", "ibd", "ap", "toezicht", "tafel")


class Exported:
    """An export, and the enclave that it is of."""

    def __init__(self, path: Path, enclave_id: bytes) -> None:
        self.path = path
        self.enclave_id = enclave_id

    def files(self) -> list[str]:
        return sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*") if p.is_file())

    def copy(self, target: Path) -> Exported:
        shutil.copytree(self.path, target)
        return Exported(target, self.enclave_id)

    def wrong_at(self) -> str:
        """The place at which it does not hold."""
        with pytest.raises(ExportError) as error:
            verify_export(self.path, self.enclave_id, lambda _: None)
        return error.value.place


async def refuse_junk(enclave: Enclave) -> None:
    """Send what every broker refuses; the refusal is logged, and covered by a checkpoint."""
    identity = enclave.identity("ibd")
    async with connected(enclave.url, identity.nats_seed) as raw:
        await raw.client.publish("seinpost.in.depv.process.publish.ibd", b"junk")
        await raw.settle()
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus, asyncio.timeout(30):
        while True:
            stored = await bus.newest_checkpoint("seinpost.checkpoint.admission")
            if stored is not None and parse_checkpoint(parse_note(stored[1])).tree_size == 1:
                return
            await asyncio.sleep(0.1)


async def show_a_fork(enclave: Enclave) -> None:
    """Log and witnesses sign another history of three entries, and one of a thousand, and publish both."""
    async with dishonest(enclave, "depv/parties") as hub:
        honest = await hub.published()
        tree = MerkleTree()
        for number in range(1_000):
            tree.append(leaf_hash(b"another %d" % number))
        now = int(time.time())
        witnesses = ("ncsc", "ibd", "ap")
        assert enclave.broker is not None
        enclave.broker.send_signal(signal.SIGSTOP)
        try:
            for size in (3, 1_000):
                await hub.publish(hub.sign(tree, now, witnesses, size=size))
            await hub.publish(honest)
        finally:
            enclave.broker.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """300 envelopes' worth of a full tile and a partial one would be slow; a few dozen entries in three logs."""
    folder = tmp_path_factory.mktemp("audit")
    enclave: Enclave = make_enclave(folder / "e", *PARTIES, witnesses=True)
    enclave.start(witnesses=True)
    try:
        for party, theme in (("ncsc", "process"), ("ibd", "process"), ("ncsc", "parties")):
            source = folder / "s.jsonl"
            source.write_bytes(b"".join(line(f"{party} {theme} {n}") for n in range(5)))
            done = enclave.publish(party, source, "--theme", theme, "--classification", "depv")
            assert done.status == 0, done
        asyncio.run(refuse_junk(enclave))
        watched = enclave.watch("tafel", "--from-start", "--idle", "3")
        assert watched.status == 0
        assert len(watched.rows) == 15
        config = enclave.config("toezicht")
        made = run("audit", "export", folder / "export", "--config", config, "--json")
        assert made.status == 0, made
        bare = run("audit", "export", folder / "bare", "--config", config, "--no-bodies")
        assert bare.status == 0, bare
        again = run("audit", "export", folder / "export", "--config", config)
        assert again.status == 4
        assert "nothing was changed" in again.error
        # A disk that fills up.
        full = run("audit", "export", folder / "full", "--config", config, patch=FULL_DISK)
        assert full.status == 1
        assert f"what there is of it is in {folder / 'full.partial'}" in full.error
        assert not (folder / "full").exists()
        # Two at once, as one identity that has a consumer to share.
        both = [
            start("audit", "export", folder / n, "--config", enclave.config("tafel"))
            for n in ("tafel", "tafel-2")
        ]
        assert [b.finish().status for b in both] == [0, 0]
        asyncio.run(show_a_fork(enclave))
        forked = run("audit", "export", folder / "forked", "--config", config)
        assert forked.status == 0, forked
        return Exported(folder / "export", bytes.fromhex(made.rows[0]["enclave"]))
    finally:
        enclave.stop()


def test_an_honest_export_holds_and_says_who_cosigned(exported: Exported) -> None:
    done = run("audit", "verify", exported.path, "--enclave", exported.enclave_id.hex(), "--json")
    assert done.status == 0, done
    (report,) = done.rows
    assert report["verdict"] == "holds"
    assert (report["quorum"], len(report["logs"]), report["files"]) == (3, 10, len(exported.files()))
    assert report["bodies"]
    assert all(log["checkpoints"] >= 1 for log in report["logs"])
    sizes = {log["log"].partition("/")[2] or log["log"]: log["entries"] for log in report["logs"]}
    assert sizes["depv/process"] >= 4
    assert sizes["admission"] == 1
    assert all(len(log["cosigned_by"]) >= 3 for log in report["logs"])
    shown = run("audit", "verify", exported.path, "--enclave", exported.enclave_id.hex())
    assert shown.stdout.splitlines()[-1].startswith("holds: ")


def test_the_overseer_exports_every_compartment_and_can_open_none(exported: Exported) -> None:
    names = {f.rpartition("/checkpoint")[0] for f in exported.files() if f.endswith("/checkpoint")}
    assert len(names) == 10
    for name in exported.files():
        assert b"ncsc process" not in (exported.path / name).read_bytes()


def older(exported: Exported) -> list[str]:
    """The checkpoints of the last day, below the newest and above nothing."""
    return [f for f in exported.files() if "/checkpoints/" in f and int(f.rpartition("/")[2][:12]) > 0]


def test_every_checkpoint_of_the_last_day_is_there_and_held_against_the_entries(
    exported: Exported, tmp_path: Path
) -> None:
    """As they were published, not one an hour: sizes that a checkpointer's burst passed through."""
    found = older(exported)
    assert {f.partition("/checkpoints/")[0].rpartition("/")[2] for f in found} >= {"process", "parties"}
    copy = exported.copy(tmp_path / "copy")
    for name in found:
        place = copy.path / name
        good = place.read_bytes()
        place.write_bytes((copy.path / name.partition("/checkpoints/")[0] / "checkpoint").read_bytes())
        assert copy.wrong_at() == name
        place.write_bytes(good)


def test_a_history_that_log_and_quorum_signed_once_and_took_back_is_named(exported: Exported) -> None:
    """A fork and a longer log were published for a moment, before the honest broker went on: both are in the export."""
    forked = Exported(exported.path.parent / "forked", exported.enclave_id)
    done = run("audit", "verify", forked.path, "--enclave", forked.enclave_id.hex(), "--json")
    assert done.status == 1
    (row,) = done.rows
    assert "/checkpoints/" in row["place"]
    assert "split view" in row["message"]
    # With the fork out of the way, what was signed beyond the log's end is next.
    name = row["place"]
    manifest = json.loads((forked.path / "export.json").read_text())
    for log in manifest["logs"]:
        log["checkpoints"] = [c for c in log["checkpoints"] if not name.endswith(c)]
    (forked.path / "export.json").write_bytes(json.dumps(manifest, indent=1).encode() + b"\n")
    (forked.path / name).unlink()
    with pytest.raises(ExportError, match="rolled back"):
        verify_export(forked.path, forked.enclave_id, lambda _: None)


def test_a_reader_who_does_not_audit_exports_its_own_logs_and_what_is_kept_of_them(
    exported: Exported,
) -> None:
    mine = Exported(exported.path.parent / "tafel", exported.enclave_id)
    report = verify_export(mine.path, mine.enclave_id, lambda _: None)
    assert {log.log.rpartition("/")[0] or log.log for log in report.logs} >= {"directory"}
    assert "admission" not in {log.log for log in report.logs}
    assert sum("/checkpoints/" in f for f in mine.files()) > 0
    twin = Exported(exported.path.parent / "tafel-2", exported.enclave_id)
    kept = [f for f in mine.files() if "/checkpoints/" in f]
    assert [f for f in twin.files() if "/checkpoints/" in f] == kept


def test_without_bodies_all_but_their_hashes_is_checked_and_it_says_so(
    exported: Exported, tmp_path: Path
) -> None:
    bare = Exported(exported.path.parent / "bare", exported.enclave_id)
    done = run("audit", "verify", bare.path, "--enclave", bare.enclave_id.hex())
    assert done.status == 0, done
    assert "Sealed bodies were not in it" in done.stdout
    assert len(bare.files()) < len(exported.files())
    copy = bare.copy(tmp_path / "copy")
    for name in [f for f in copy.files() if "/entries/" in f or "/signatures/" in f or "/bodies/" in f]:
        path = copy.path / name
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        copy.wrong_at()
        path.write_bytes(good)
    # What says that it has bodies must have them.
    manifest = (copy.path / "export.json").read_text().replace('"bodies": false', '"bodies": true')
    (copy.path / "export.json").write_text(manifest)
    assert "/bodies/" in copy.wrong_at()


def places_of(name: str, at: int) -> set[str]:
    """Where a changed byte of a file may be said to be: the file, or exactly the entry whose byte it was."""
    log, _, rest = name.partition("/tile/entries/")
    if rest:
        # The length before an entry is the file's; the admission log has one entry here.
        width = {"directory": DIRECTORY_ENTRY_BYTES, "admission": 1 << 16}.get(log, ENTRY_BYTES) + 2
        return {name} if at % width < 2 else {f"{log}, entry {at // width}"}
    for folder, width in (("/tile/0/", 32), ("/signatures/", SIGNATURE_BYTES)):
        log, _, rest = name.partition(folder)
        if rest:
            return {f"{log}, entry {at // width}"}
    log, _, rest = name.partition("/bodies/")
    return {f"{log}, entry {int(rest)}"} if rest else {name}


def place_of_manifest(good: bytes, bad: bytes, place: str) -> bool:
    """Whether a manifest that was changed is said to be so: itself, or in the log whose row it was.

    A size or a name that it makes up asks for a file that was never there, and then that is what is missing.
    """
    try:
        logs = set(decode_manifest(good).logs) ^ set(decode_manifest(bad).logs)
    except MalformedError:
        logs = set()
    return place == MANIFEST or any(
        place == row.log or place.startswith((f"{row.log}/", f"{row.log},")) for row in logs
    )


def test_any_changed_byte_of_any_file_is_noticed_and_its_place_named(
    exported: Exported, tmp_path: Path
) -> None:
    """Every file, at its first, last and three other bytes."""
    rng = random.Random("seinpost export")
    copy = exported.copy(tmp_path / "copy")
    tried = 0
    for name in copy.files():
        path = copy.path / name
        good = path.read_bytes()
        for at in sorted({0, len(good) - 1, *(rng.randrange(len(good)) for _ in range(3))} if good else ()):
            bad = bytearray(good)
            bad[at] ^= 1 << rng.randrange(8)
            path.write_bytes(bytes(bad))
            place = copy.wrong_at()
            assert place in places_of(name, at) or (
                name == MANIFEST and place_of_manifest(good, bytes(bad), place)
            )
            tried += 1
        path.write_bytes(good)
    assert tried > 100
    verify_export(copy.path, copy.enclave_id, lambda _: None)


CHANGES: dict[str, Callable[[Path, str], None]] = {
    "gone": lambda path, _: path.unlink(),
    "empty": lambda path, _: path.write_bytes(b""),
    "longer": lambda path, _: path.write_bytes(path.read_bytes() + b"\0"),
    "shorter": lambda path, _: path.write_bytes(path.read_bytes()[:-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_gone_cut_or_grown_is_noticed(exported: Exported, tmp_path: Path, change: str) -> None:
    copy = exported.copy(tmp_path / "copy")
    for name in copy.files():
        path = copy.path / name
        good = path.read_bytes()
        if change == "empty" and not good:
            continue
        if change == "shorter" and not good:
            continue
        CHANGES[change](path, name)
        copy.wrong_at()
        path.write_bytes(good)


def test_a_file_too_many_is_noticed(exported: Exported, tmp_path: Path) -> None:
    copy = exported.copy(tmp_path / "copy")
    (copy.path / "directory" / "extra").write_bytes(b"")
    assert copy.wrong_at() == "directory/extra"


def test_another_enclaves_id_is_refused(exported: Exported) -> None:
    done = run("audit", "verify", exported.path, "--enclave", "0" * 32)
    assert done.status == 1
    assert "of another enclave" in done.error


def test_a_tail_cut_off_everywhere_at_once_needs_the_witnesses_and_a_log_moved_is_named(
    exported: Exported, tmp_path: Path
) -> None:
    """A whole log in another's place, with its own checkpoint: the checkpoint names its log."""
    copy = exported.copy(tmp_path / "copy")
    (period,) = (
        p.name for p in copy.path.iterdir() if p.is_dir() and p.name not in ("directory", "admission")
    )
    logs = copy.path / period / "depv"
    (logs / "process").rename(logs / "x")
    (logs / "parties").rename(logs / "process")
    (logs / "x").rename(logs / "parties")
    assert period in copy.wrong_at()


def test_a_manifest_cannot_lead_out_of_the_export(exported: Exported, tmp_path: Path) -> None:
    copy = exported.copy(tmp_path / "copy")
    manifest = json.loads((copy.path / "export.json").read_text())
    manifest["logs"][1]["log"] = "../../elsewhere"
    (copy.path / "export.json").write_bytes(json.dumps(manifest, indent=1).encode() + b"\n")
    assert copy.wrong_at() == "export.json"


@pytest.mark.parametrize("arguments", [(), ("--enclave", "xyz")])
def test_a_root_of_trust_must_be_named(exported: Exported, arguments: tuple[str, ...]) -> None:
    done = run("audit", "verify", exported.path, *arguments)
    assert done.status == 1
    assert "--enclave" in done.error


def test_any_changed_digit_of_a_manifest_is_noticed_in_the_row_whose_it_was(
    exported: Exported, tmp_path: Path
) -> None:
    """Sizes and the names of checkpoints: what it asks for then is not there, or holds something else."""
    copy = exported.copy(tmp_path / "copy")
    path = copy.path / MANIFEST
    good = path.read_bytes()
    digits = [at for at, byte in enumerate(good) if chr(byte) in "0123456789abcdef"]
    tried = 0
    for at in random.Random("seinpost manifest").sample(digits, 60):
        bad = bytearray(good)
        bad[at] ^= 1
        path.write_bytes(bytes(bad))
        place = copy.wrong_at()
        assert place_of_manifest(good, bytes(bad), place), (at, place)
        tried += place != MANIFEST
    assert tried > 10
