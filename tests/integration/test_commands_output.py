# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Output that cannot be written, of commands that do something first: what was done is said, once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.enclave import Done, Enclave
from harness.samples import line

pytestmark = pytest.mark.nats

WHERE = ("--theme", "process", "--classification", "depv")


@pytest.fixture(scope="module")
def small(new_enclave: Callable[..., Enclave]) -> Iterator[Enclave]:
    made = new_enclave("ncsc", "tafel")
    made.start()
    yield made
    made.stop()


def onto(stdout: int, *arguments: str | Path, stdin: int = subprocess.DEVNULL) -> Done:
    """Run `seinpost …` with its output there; its input stays open."""
    command = [sys.executable, "-m", "seinpost", *map(str, arguments)]
    done = subprocess.run(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=60)
    return Done(done.returncode, b"", done.stderr)


def onto_full_disk(*arguments: str | Path, stdin: int = subprocess.DEVNULL) -> Done:
    with Path("/dev/full").open("wb") as full:
        return onto(full.fileno(), *arguments, stdin=stdin)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_publish_stops_and_says_how_many_were_admitted(
    small: Enclave, tmp_path: Path, more: tuple[str, ...]
) -> None:
    source = tmp_path / "signals.jsonl"
    source.write_bytes(b"".join(line(f"Ongezegd {n}") for n in range(10)))
    done = onto_full_disk("publish", source, "--config", small.config("ncsc"), *WHERE, *more)
    assert "No space left on device; 10 signals were admitted; nothing after line 10 was sent" in done.error
    assert done.status == 1


def test_publish_does_not_wait_for_more_input(small: Enclave) -> None:
    read, write = os.pipe()
    try:
        os.write(write, line("Nog een"))
        done = onto_full_disk("publish", "--config", small.config("ncsc"), *WHERE, stdin=read)
    finally:
        os.close(read)
        os.close(write)
    assert "1 signals were admitted; nothing after line 1 was sent" in done.error
    assert done.status == 1


def test_publish_ends_quietly_when_its_reader_has_gone(small: Enclave, tmp_path: Path) -> None:
    source = tmp_path / "signals.jsonl"
    source.write_bytes(b"".join(line(f"Ongelezen {n}") for n in range(10)))
    read, write = os.pipe()
    os.close(read)
    try:
        done = onto(write, "publish", source, "--config", small.config("ncsc"), *WHERE, "--json")
    finally:
        os.close(write)
    assert (done.status, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("feedback", "{id}", "question", "--text", "Waar?"), "it was sent and admitted; only printing that failed"),
        (("recall", "{id}", "--reason", "mistake"), "it was sent, and the signal is recalled; only printing"),
    ],
)  # fmt: skip
def test_an_act_that_cannot_be_printed_was_sent(
    small: Enclave, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    source = tmp_path / "signal.json"
    source.write_bytes(line("Terug te nemen"))
    answer = small.publish("ncsc", source, *WHERE, "--json").rows[0]
    assert small.watch("tafel", "--idle", "1.5").status == 0
    party = "tafel" if words[0] == "feedback" else "ncsc"
    filled = [word.format(id=answer["signal"]) for word in words]
    done = onto_full_disk(*filled, "--config", small.config(party))
    assert says in done.error
    assert done.status == 1
