# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One party's message must not stop the broker for the others, whatever is in it; nor one signal a reader."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.enclave import Enclave, run_broker_command
from harness.raw import hub
from harness.samples import line, signal

import seinpost
from seinpost_schemas.answer import BrokerAnswer, decode_any_answer
from seinpost_schemas.subjects import ANSWERS_STREAM

pytestmark = pytest.mark.nats
PLACE = {"theme": "process", "classification": "depv"}
SUBJECT = "seinpost.in.depv.process.publish.ncsc"
HEADERS = {
    "a status of no number": b"NATS/1.0\r\nStatus: abc\r\n\r\n",
    "a status that does not exist": b"NATS/1.0\r\nStatus: 999\r\n\r\n",
    "a status as the server writes it": b"NATS/1.0\r\nStatus: 404\r\n\r\n",
    "a heartbeat": b"NATS/1.0\r\nStatus: 100\r\nDescription: Idle Heartbeat\r\n\r\n",
    "an inline status that is not UTF-8": b"NATS/2.0 \xff\xfe\r\n\r\n",
    "a value that is not UTF-8": b"NATS/1.0\r\nX: \xff\xfe\r\n\r\n",
    "a name that is not UTF-8": b"NATS/1.0\r\n\xff: x\r\n\r\n",
    "no line at all": b"NATS/1.0\r\n",
    "junk": b"\0\1\2\3",
}


async def publish_raw(enclave: Enclave, headers: bytes, body: bytes, subject: str = SUBJECT) -> None:
    """HPUB with any bytes for headers: what a client library would not send."""
    import nkeys

    reader, writer = await asyncio.open_connection("127.0.0.1", enclave.port)
    try:
        import json

        info = json.loads((await reader.readline()).split(b" ", 1)[1])
        pair = nkeys.from_seed(bytearray(enclave.identity("ncsc").nats_seed.encode()))
        import base64

        signed = base64.urlsafe_b64encode(pair.sign(info["nonce"].encode())).rstrip(b"=").decode()
        connect = {"nkey": pair.public_key.decode(), "sig": signed, "headers": True, "verbose": False}
        writer.write(b"CONNECT " + json.dumps(connect).encode() + b"\r\nPING\r\n")
        while (await reader.readline()).strip() != b"PONG":
            pass
        sizes = f"{len(headers)} {len(headers) + len(body)}"
        writer.write(f"HPUB {subject} {sizes}\r\n".encode() + headers + body + b"\r\nPING\r\n")
        await asyncio.wait_for(reader.readline(), 5)
    finally:
        writer.close()


@pytest.fixture(scope="module")
def poisoned(new_enclave: Callable[..., Enclave]) -> Enclave:
    made = new_enclave("ncsc", "om", "tafel")
    made.start()
    return made


@pytest.mark.parametrize("name", HEADERS)
async def test_the_headers_of_one_partys_message_stop_nobody(poisoned: Enclave, name: str) -> None:
    await publish_raw(poisoned, HEADERS[name], b"no envelope")
    assert poisoned.broker is not None
    for party in ("om", "ncsc"):
        async with seinpost.connect(poisoned.config(party)) as post:
            answer = await post.publish(signal(f"Na {name}"), **PLACE, timeout_seconds=20)
        assert answer.verdict == "admitted"
    assert poisoned.broker.poll() is None


async def test_an_empty_message_is_refused_once_with_an_answer(poisoned: Enclave) -> None:
    """On either ingress subject, also where its headers are those that a server sends with nothing."""
    seed, _ = poisoned.directory.load_secrets()
    headers = [b"NATS/1.0\r\n\r\n", b"NATS/1.0\r\nX: y\r\n\r\n", HEADERS["a status as the server writes it"]]
    async with hub(poisoned.url, seed) as bus:
        before = await bus.last_seq(ANSWERS_STREAM)
        for subject in (SUBJECT, "seinpost.in.directory.ncsc"):
            for header in headers:
                await publish_raw(poisoned, header, b"", subject)
        # A message that is not answered comes again after 5 s. Proofs of what was admitted earlier come meanwhile.
        await asyncio.sleep(8)
        last = await bus.last_seq(ANSWERS_STREAM)
        told = [
            decode_any_answer((await bus.read_one(ANSWERS_STREAM, n)).body)
            for n in range(before + 1, last + 1)
        ]
    verdicts = [(a.verdict, a.reason, a.object) for a in told if isinstance(a, BrokerAnswer)]
    assert verdicts == [("refused", "malformed", hashlib.sha256(b"").hexdigest())] * 2 * len(headers)
    assert "mistake of ours" not in (poisoned.path / "broker.log").read_text()


def watch_with(enclave: Enclave, encoding: str, *more: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "seinpost", "watch", "--config", enclave.config("tafel"), "--from-start"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([*command, "--idle", "1", *more], env=environment, capture_output=True, timeout=60)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_character_that_a_terminal_lacks_stops_no_reader(
    poisoned: Enclave, tmp_path: Path, encoding: str, form: tuple[str, ...]
) -> None:
    source = tmp_path / "s.json"
    source.write_bytes(line("Sneeuwpop ☃ en \u202e\x1b[2J terug") + line("Daarna"))
    assert poisoned.publish("ncsc", source, "--theme", "process", "--classification", "depv").status == 0
    done = watch_with(poisoned, encoding, *form)
    assert done.returncode == 0, done.stderr
    assert b"Daarna" in done.stdout
    assert b"\x1b" not in done.stdout
    assert "\u202e".encode() not in done.stdout


def test_a_signal_that_was_shown_is_not_shown_again(poisoned: Enclave, tmp_path: Path) -> None:
    poisoned.watch("tafel", "--idle", "1")
    source = tmp_path / "s.jsonl"
    source.write_bytes(b"".join(line(f"Eenmaal {n}") for n in range(3)))
    for one in source.read_bytes().splitlines(keepends=True):
        (tmp_path / "one.json").write_bytes(one)
        where = ("--theme", "process", "--classification", "depv")
        assert poisoned.publish("ncsc", tmp_path / "one.json", *where).status == 0
    shown = [poisoned.watch("tafel", "--count", "1", "--idle", "1").rows for _ in range(4)]
    assert [[r["signal"]["report"]["title"] for r in rows] for rows in shown] == [
        ["Eenmaal 0"],
        ["Eenmaal 1"],
        ["Eenmaal 2"],
        [],
    ]


def test_an_error_cannot_repaint_the_terminal(poisoned: Enclave, tmp_path: Path) -> None:
    source = tmp_path / "s.json"
    source.write_bytes(b'{"handling":{},"\\u001b[2J\\u009b1A admitted":1}')
    done = poisoned.publish("ncsc", source, "--theme", "process", "--classification", "depv")
    assert done.status == 1
    assert "\x1b" not in done.stderr
    assert "\x9b" not in done.stderr


def test_a_second_broker_on_one_directory_is_told_so(poisoned: Enclave) -> None:
    done = run_broker_command("run", poisoned.path)
    assert done.status == 4
    assert "another broker serves" in done.stderr
    assert poisoned.broker is not None
    assert poisoned.broker.poll() is None


def test_a_server_without_tls_listens_on_this_machine_only(tmp_path: Path) -> None:
    done = run_broker_command("init", tmp_path / "e", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert done.status == 4
    assert "no TLS" in done.stderr
    assert not (tmp_path / "e").exists()
