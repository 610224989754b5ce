# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Commands that wait, and Ctrl-C anywhere."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.enclave import Enclave, run, start
from harness.raw import hub
from harness.samples import line, titles

pytestmark = pytest.mark.nats

WHERE = ("--theme", "process", "--classification", "depv")


@pytest.fixture(scope="module")
def small(new_enclave: Callable[..., Enclave]) -> Iterator[Enclave]:
    """A small enclave whose broker may be stopped for a while."""
    made = new_enclave("ncsc", "tafel")
    made.start()
    yield made
    made.stop()


def test_a_second_publish_waits_and_says_so(small: Enclave, tmp_path: Path) -> None:
    config = small.config("ncsc")
    first = start("publish", "--config", config, *WHERE)
    first.send(line("Van de eerste"))
    first.wait_for("stdout", "admitted")
    source = tmp_path / "second.json"
    source.write_bytes(line("Van de tweede"))
    second = start("publish", source, "--config", config, *WHERE)
    said = second.wait_for("stderr", "\n")
    assert "another process is publishing as ncsc-1; waiting" in said
    time.sleep(0.5)
    assert second.process.poll() is None
    assert first.finish().status == 0
    done = second.finish(seconds=20)
    assert done.status == 0
    assert done.stdout.startswith("admitted")
    assert done.stderr == ""


def test_ctrl_c_while_waiting_for_the_other_process(small: Enclave, tmp_path: Path) -> None:
    first = start("publish", "--config", small.config("ncsc"), *WHERE)
    first.send(line("Nog een eerste"))
    first.wait_for("stdout", "admitted")
    source = tmp_path / "second.json"
    source.write_bytes(line("Nooit begonnen"))
    second = start("publish", source, "--config", small.config("ncsc"), *WHERE)
    second.wait_for("stderr", "waiting")
    done = second.interrupt()
    assert done.status == 130, done
    assert "Traceback" not in done.stderr
    assert first.finish().status == 0


def ingress_end(enclave: Enclave) -> int:
    """The sequence of the newest message that ncsc sent."""

    async def look() -> int:
        seed, _ = enclave.directory.load_secrets()
        async with hub(enclave.url, seed) as bus:
            return await bus.last_seq("IN_ncsc")

    return asyncio.run(look())


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ctrl_c_lists_what_was_not_admitted_and_nothing_is_lost(small: Enclave, tmp_path: Path) -> None:
    source = tmp_path / "signals.jsonl"
    source.write_bytes(b"".join(line(f"Onderbroken {n}") for n in range(5)))
    assert small.broker is not None
    warm = small.publish("ncsc", source, *WHERE)
    assert warm.status == 0
    small.broker.send_signal(signal.SIGSTOP)
    try:
        before = ingress_end(small)
        publishing = start("publish", source, "--config", small.config("ncsc"), "--json", *WHERE)
        until(lambda: ingress_end(small) >= before + 2)
        done = publishing.interrupt()
    finally:
        small.broker.send_signal(signal.SIGCONT)
    assert done.status == 130, done
    assert (
        "interrupted: 5 signals were not answered: lines 1, 2, 3, 4, 5; they may still be admitted"
        in done.error
    )
    assert [(r["line"], r["verdict"]) for r in done.rows] == [(n, "unanswered") for n in range(1, 6)]

    # What was on its way is admitted now, and its sender knows it though nobody waited.
    def told() -> bool:
        found = run("receipts", done.rows[0]["signal"], "--json", "--config", small.config("ncsc"))
        assert found.status in (0, 3), found
        return found.status == 0

    until(told)
    recalled = run("recall", done.rows[4]["signal"], "--reason", "mistake", "--config", small.config("ncsc"))
    assert recalled.status == 0, recalled
    # They can be published again at once: the chain goes on.
    again = small.publish("ncsc", source, *WHERE)
    assert again.status == 0, again
    assert again.stdout.count("admitted") == 5


def test_ctrl_c_with_everything_answered_says_so(small: Enclave) -> None:
    publishing = start("publish", "--config", small.config("ncsc"), *WHERE)
    publishing.send(line("Voor Ctrl-C"))
    publishing.wait_for("stdout", "admitted")
    started = time.monotonic()
    done = publishing.interrupt()
    assert done.status == 130
    assert "everything up to line 1 had been answered; nothing after it was sent" in done.error
    assert time.monotonic() - started < 5


def test_ctrl_c_before_anything_was_sent_says_so(small: Enclave) -> None:
    publishing = start("publish", "--config", small.config("ncsc"), *WHERE)
    time.sleep(2)
    done = publishing.interrupt()
    assert (done.status, "interrupted: nothing was sent" in done.error) == (130, True), done


@pytest.mark.parametrize(
    "delay",
    [
        0.12,
        0.2,
        0.3,
        0.45,
        0.6,
    ],
)
def test_ctrl_c_at_any_moment_of_publish(small: Enclave, tmp_path: Path, delay: float) -> None:
    source = tmp_path / "signals.jsonl"
    source.write_bytes(b"".join(line(f"Op elk moment {n}") for n in range(3)))
    publishing = start("publish", source, "--config", small.config("ncsc"), *WHERE)
    time.sleep(delay)
    done = publishing.interrupt()
    # Interrupted while the interpreter ends, a process dies of the signal itself: 130 to a shell.
    assert done.status in (0, 130, -signal.SIGINT), done
    assert "Traceback" not in done.stderr, done


@pytest.mark.parametrize("delay", [0.3, 1.0])
def test_ctrl_c_of_watch(small: Enclave, delay: float) -> None:
    watching = start("watch", "--config", small.config("tafel"), "--from-start")
    time.sleep(delay)
    started = time.monotonic()
    done = watching.interrupt()
    assert done.status == 130, done
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 5


def test_watch_stops_at_its_count(small: Enclave, tmp_path: Path) -> None:
    source = tmp_path / "signals.jsonl"
    source.write_bytes(b"".join(line(f"Geteld {n}") for n in range(30)))
    assert small.publish("ncsc", source, *WHERE).status == 0
    for _ in range(3):
        done = small.watch("tafel", "--from-start", "--count", "1", seconds=8)
        assert done.status == 0, done
        assert len(done.rows) == 1


def test_two_watches_of_one_identity_take_turns(small: Enclave, tmp_path: Path) -> None:
    first = start("watch", "--config", small.config("tafel"), "--json", "--from-start")
    first.wait_for("stdout", "\n")
    second = start("watch", "--config", small.config("tafel"), "--json", "--idle", "10")
    assert "another process is reading as tafel-1; waiting" in second.wait_for("stderr", "\n")
    assert first.interrupt().status == 130
    assert second.finish(seconds=20).status == 0


def test_a_watch_that_could_not_begin_to_read_says_so(small: Enclave) -> None:
    first = start("watch", "--config", small.config("tafel"), "--json", "--from-start")
    first.wait_for("stdout", "\n")
    second = small.watch("tafel", "--from-start", "--idle", "1")
    assert "nothing was read: another process reads as tafel-1" in second.stderr.splitlines()[-1]
    assert (second.status, second.stdout) == (3, "")
    assert first.interrupt().status == 130


def test_watch_goes_on_where_it_left_off(small: Enclave, tmp_path: Path) -> None:
    small.watch("tafel", "--idle", "1")
    source = tmp_path / "signals.jsonl"
    source.write_bytes(b"".join(line(f"Vervolg {n}") for n in range(3)))
    assert small.publish("ncsc", source, *WHERE).status == 0
    assert titles(small.watch("tafel", "--idle", "1").rows) == ["Vervolg 0", "Vervolg 1", "Vervolg 2"]
    assert small.watch("tafel", "--idle", "1").rows == []
