# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The prototype of a native core (docs/adr/0014-native-core.md): compiled here if it can be, checked, and measured.

It is not part of the product. Its results are compared with the product's before anything is measured.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from peers import Floor, Nacl
from rounds import Job, ratio, take_turns
from rows import Row, missing, row
from subject import Subject

from seinpost_schemas import batch, labels, leaf, merkle

SOURCE = Path(__file__).parent / "native" / "leaves.c"
GROUP = "A prototype of a native core (measured, not shipped)"
SIZES = (64, 1_024)
_NAME = "native core: leaf hashes and tree in C"


def compile_prototype(folder: Path) -> tuple[ModuleType | None, str]:
    """(the module, or why there is none)."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None, "no C compiler"
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if " sha_ni" not in flags:
        return None, "this processor has no SHA instructions that the prototype knows"
    target = folder / f"leaves{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_paths()["include"]
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-msha", "-msse4.1", "-mssse3"]
    done = subprocess.run(
        [compiler, *options, f"-I{include}", str(SOURCE), "-o", str(target)], capture_output=True
    )
    if done.returncode:
        return None, f"it does not compile here: {done.stderr.decode().splitlines()[:1]}"
    spec = importlib.util.spec_from_file_location("leaves", target)
    if spec is None or spec.loader is None:
        return None, "it cannot be loaded here"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, ""


@contextlib.contextmanager
def _in_place(native: ModuleType) -> Iterator[None]:
    def leaf_hashes(
        signals: Any,
        sender: bytes,
        epoch: bytes,
        slots: bytes,
        protected: bytes,
        given: Sequence[bytes] | None = None,
    ) -> Any:
        return native.leaf_hashes(
            signals, sender, epoch, slots, protected, given, labels.SECTION, leaf._LEAF_PREFIX
        )

    with (
        mock.patch.object(batch, "leaf_hashes", leaf_hashes),
        mock.patch.object(batch.merkle, "root_hash", native.root_hash),
    ):
        yield


def _verify_same(native: ModuleType, subject: Subject) -> None:
    """The same leaves and roots as the product, for batches of every shape near a power of two."""
    sender, epoch = os.urandom(16), os.urandom(16)
    for size in (1, 2, 3, 7, 64, 65, 1_023):
        rows = [(s.id, s.sections) for s in subject.encode(subject.batch(size))]
        rows[0] = (rows[0][0], (b"", None, os.urandom(55), os.urandom(56)))
        slots, protected = os.urandom(128 * size), os.urandom(128 * size)
        for given in (None, [os.urandom(32) for _ in range(size)]):
            ours = leaf.leaf_hashes(rows, sender, epoch, slots, protected, given)
            theirs = native.leaf_hashes(
                rows, sender, epoch, slots, protected, given, labels.SECTION, leaf._LEAF_PREFIX
            )
            if ours != theirs or merkle.root_hash(ours[0]) != native.root_hash(theirs[0]):
                raise RuntimeError("the prototype computes something else than the product")


def measure_native(rounds: int, seconds: float) -> list[Row]:
    """Sealing and opening with it, in turns with the product, PyNaCl and the floor; or why not."""
    with tempfile.TemporaryDirectory() as temporary:
        native, why = compile_prototype(Path(temporary))
        if native is None:
            return [missing(_NAME, why, group=GROUP)]
        subject, rows = Subject(), []
        _verify_same(native, subject)
        around = functools.partial(_in_place, native)
        for size in SIZES:
            rows += _rows_of(subject, size, around, rounds, seconds)
    print("measured the prototype of a native core", file=sys.stderr, flush=True)
    return rows


def _rows_of(subject: Subject, size: int, around: Any, rounds: int, seconds: float) -> list[Row]:
    signals, floor, nacl, few = subject.batch(size), Floor(), Nacl(), subject.batch(64)
    sealed, plain, boxes = subject.seal(signals), floor.seal(signals), nacl.seal(few)
    many = 8_192 // size
    timed = take_turns(
        {
            "seal, signed on a second core": Job(
                lambda: subject.seal_many(signals, many), many * size, around
            ),
            "seal": Job(lambda: subject.seal(signals), size, around),
            "open": Job(lambda: subject.open(sealed), size, around),
            "product seal": Job(lambda: subject.seal(signals), size),
            "product open": Job(lambda: subject.open(sealed), size),
            "floor seal": Job(lambda: floor.seal(signals), size),
            "floor open": Job(lambda: floor.open(plain), size),
            "PyNaCl seal": Job(lambda: nacl.seal(few), len(few)),
            "PyNaCl open": Job(lambda: nacl.open(boxes), len(few)),
        },
        rounds,
        seconds,
    )
    rows = []
    for what in ("seal", "open"):
        mine = timed[what]
        rows.append(row(f"{_NAME}: {what}, batches of {size}", mine.rate, "signals/s", group=GROUP))
        for other, found in (
            ("the product", ratio(mine, timed[f"product {what}"])),
            ("PyNaCl", ratio(mine, timed[f"PyNaCl {what}"])),
            ("the floor (its time)", ratio(timed[f"floor {what}"], mine)),
        ):
            rows.append(
                row(f"{_NAME}: {what} against {other}, {size}", found, "x", against=other, group=GROUP)
            )
    threaded = ratio(timed["seal, signed on a second core"], timed["PyNaCl seal"])
    name = f"{_NAME}: seal against PyNaCl, {size}, signed on a second core"
    return [*rows, row(name, threaded, "x", against="PyNaCl", group=GROUP)]


if __name__ == "__main__":
    for found in measure_native(5, 0.2):
        print(f"{found.name:90} {found.value} {found.unit} {found.note or ''}")
