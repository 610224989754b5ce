# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every decoder has seeds that it accepts, and survives them changed: here, and a little under atheris."""

from __future__ import annotations

import importlib.util
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
MUTATIONS = 2_000
MAX_SEED_BYTES = 16 * 1024


def seeds(decoder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / decoder).iterdir())]


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """One to four changes, of the sorts that break decoders: bits, lengths, cuts, copies, splices."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(7):
            case 0 if at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(out):
                out[at] = rng.choice((0, 1, 0x0A, 0x20, 0x7F, 0x80, 0xC0, 0xC1, 0xC4, 0xCC, 0xD9, 0xDE, 0xFF))
            case 2:
                del out[at : at + rng.randint(1, 16)]
            case 3:
                out[at:at] = rng.randbytes(rng.randint(1, 8))
            case 4:
                out[at:at] = out[at : at + rng.randint(1, 64)]
            case 5:
                out[at:] = other[min(at, len(other)) :]
            case _:
                del out[at:]
    return bytes(out)


def test_every_decoder_has_a_corpus_and_every_corpus_a_decoder(fuzz: ModuleType) -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(fuzz.DECODERS)


def test_the_corpus_of_a_decoder_is_not_empty_and_small(decoder: str) -> None:
    found = seeds(decoder)
    assert found
    assert all(0 < len(seed) <= MAX_SEED_BYTES for seed in found)
    assert len(set(found)) == len(found)


def test_a_decoder_accepts_every_seed(fuzz: ModuleType, decoder: str) -> None:
    assert [fuzz.run_one(decoder, seed) for seed in seeds(decoder)] == [True] * len(seeds(decoder))


def test_a_decoder_refuses_nothing_at_all(fuzz: ModuleType, decoder: str) -> None:
    if decoder != "base64":  # where no bytes are a value
        assert not fuzz.run_one(decoder, b"")


def test_a_decoder_survives_changed_seeds(fuzz: ModuleType, decoder: str) -> None:
    rng = random.Random(f"seinpost {decoder}")
    found = seeds(decoder)
    refused = 0
    for _ in range(MUTATIONS):
        data = mutate(rng, rng.choice(found), rng.choice(found))
        refused += not fuzz.run_one(decoder, data)  # raises for a finding
    assert refused > MUTATIONS // 20


def test_a_target_tells_a_finding_from_a_refusal(fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fuzz.DECODERS, "end_of_epoch", lambda data: fuzz.same(data[:1], data))
    assert fuzz.run_one("end_of_epoch", b"x")
    with pytest.raises(fuzz.MalleableError):
        fuzz.run_one("end_of_epoch", b"xy")
    monkeypatch.setitem(fuzz.DECODERS, "end_of_epoch", int)
    with pytest.raises(ValueError, match="invalid literal"):
        fuzz.run_one("end_of_epoch", b"xy")


def test_atheris_is_installed() -> None:
    assert importlib.util.find_spec("atheris"), "install the dev extra: pip install -e .[dev]"


def test_a_decoder_survives_a_short_run_of_atheris(decoder: str, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"  # a copy: libFuzzer writes what it finds into the folder
    shutil.copytree(CORPUS / decoder, corpus)
    command = [sys.executable, str(HERE / "fuzz_decoders.py"), decoder, "-runs=2000", "-seed=1", str(corpus)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-2_000:] + run.stderr[-4_000:]
    assert "Done 2000 runs" in run.stderr
