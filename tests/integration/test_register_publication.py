# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: a version of the register on its way in, by any party or the operator; what must not come in force does not."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.answers import next_answer
from harness.enclave import Enclave, close, run, run_broker_command, start
from harness.raw import connected, hub
from harness.registrar import Desk, make_request
from harness.samples import line

from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.errors import Reason
from seinpost_schemas.subjects import ANSWERS_STREAM, DIRECTORY_STREAM
from seinpost_schemas.submission import Submission

pytestmark = pytest.mark.nats
NewEnclave = Callable[..., Enclave]
WHERE = ("--theme", "process", "--classification", "depv")


@pytest.fixture
def desk(new_enclave: NewEnclave, tmp_path: Path) -> Iterator[Desk]:
    enclave = new_enclave("ncsc", "bzk", "tafel")
    enclave.start()
    yield Desk(enclave, tmp_path)
    enclave.stop()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "signal.json"
    path.write_bytes(line("Een signaal"))
    return path


def restart(enclave: Enclave) -> None:
    stop(enclave)
    enclave.start()


def stop(enclave: Enclave) -> None:
    assert enclave.broker is not None
    enclave.broker.terminate()
    close(enclave.broker)


async def answer_to(bus: NatsBus, enclave: Enclave, data: bytes) -> BrokerAnswer:
    """Hand bytes in as NCSC; what a broker answers."""
    before = await bus.last_seq(ANSWERS_STREAM)
    async with connected(enclave.url, enclave.identity("ncsc").nats_seed, "_INBOX_ncsc") as raw:
        await raw.client.publish("seinpost.in.directory.ncsc", data)
        return await next_answer(bus, before)


def test_a_party_hands_a_version_in_and_the_newcomer_works(desk: Desk, source: Path) -> None:
    request, fingerprint = make_request(desk.folder, "ap", "ap-1")

    def take_in(draft: Path) -> None:
        assert run("register", "add", request, "--to", draft, "--fingerprint", fingerprint).status == 0

    note = desk.sign(desk.draft(take_in))
    config = desk.enclave.config("bzk")
    forgotten = run("register", "publish", note, "--config", config)
    assert (forgotten.status, "the keys of ap-1 are missing" in forgotten.error) == (1, True)
    for _ in range(2):
        done = run("register", "publish", note, "--config", config, "--request", request)
        assert (done.status, done.stdout) == (0, "version 2 is in force\n"), done
    text = desk.enclave.config("ncsc").read_text()
    text = text.replace('"ncsc"', '"ap"').replace("identities/ncsc-1.key", str(desk.folder / "ap-1.key"))
    text = text.replace("identities/ncsc.pass", str(desk.folder / "ap-1.pass")).replace(
        "state/ncsc-1", "state/ap-1"
    )
    (desk.folder / "ap.toml").write_text(text)
    done = run(
        "publish", source, "--config", desk.folder / "ap.toml", "--theme", "debate", "--classification", "ong"
    )
    assert (done.status, "admitted" in done.stdout) == (0, True), done


async def test_what_must_not_come_in_force_is_answered_and_changes_nothing(desk: Desk) -> None:
    enclave = desk.enclave
    lacking = await asyncio.to_thread(lambda: desk.sign(desk.draft(), "bzk-1"))
    seed, _ = enclave.directory.load_secrets()
    config = enclave.directory.nats_config.read_text()
    async with hub(enclave.url, seed) as bus:
        size = await bus.last_seq(DIRECTORY_STREAM)
        for data, reason in (
            (b"junk", Reason.MALFORMED),
            (Submission(b"x").encode(), Reason.MALFORMED),
            (Submission(lacking.read_bytes()).encode(), Reason.SIGNATURE),
        ):
            answer = await answer_to(bus, enclave, data)
            assert (answer.verdict, answer.reason) == ("refused", reason)
        assert await bus.last_seq(DIRECTORY_STREAM) == size
    assert enclave.directory.nats_config.read_text() == config
    done = await asyncio.to_thread(desk.publish, lacking)
    assert (done.status, "1 valid signatures" in done.error) == (1, True)
    # Past the command's own check, as a broken or hostile operator's machine would: the broker checks itself.
    left = enclave.directory.hand_in(2, Submission(lacking.read_bytes()).encode())
    async with asyncio.timeout(20):
        while left.exists():
            await asyncio.sleep(0.1)
    assert "1 valid signatures" in left.with_suffix(".refused").read_text()


def test_a_mandate_that_is_taken_away_is_gone_at_once(desk: Desk, source: Path) -> None:
    enclave = desk.enclave
    assert enclave.publish("ncsc", source, *WHERE).status == 0

    def take_away(draft: Path) -> None:
        before, ncsc, after = draft.read_text().partition('token = "ncsc"')
        after = after.replace('    "process",\n', "", 1)
        draft.write_text(before + ncsc + after)

    draft = desk.draft(take_away)
    told = run("register", "diff", desk.newest, draft)
    assert "verliest het verkiezingsproces: niet langer publiceren" in told.stdout, told
    assert desk.publish(desk.sign(draft)).status == 0
    done = enclave.publish("ncsc", source, *WHERE)
    assert (done.status, "refused, mandate" in done.stderr) == (1, True), done
    assert enclave.publish("bzk", source, *WHERE).status == 0
    assert '"seinpost.in.depv.process.publish.ncsc"' not in enclave.directory.nats_config.read_text()


def test_a_version_for_a_broker_that_does_not_run_waits_for_it(desk: Desk) -> None:
    note = desk.revoke("ncsc-1")
    stop(desk.enclave)
    done = desk.publish(note)
    assert done.stdout == "version 2 is handed in; the broker takes it when it runs\n"
    desk.enclave.start()
    deadline = time.monotonic() + 20
    while desk.enclave.directory.handed_in():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert desk.publish(note).stdout == "version 2 is in force\n"


def test_a_directory_that_was_rolled_back_stops_the_broker(desk: Desk) -> None:
    stop(desk.enclave)
    older = desk.folder / "older"
    shutil.copytree(desk.enclave.directory.jetstream, older)
    desk.enclave.start()
    assert desk.publish(desk.revoke("ncsc-1")).status == 0
    time.sleep(2)
    stop(desk.enclave)
    shutil.rmtree(desk.enclave.directory.jetstream)
    shutil.copytree(older, desk.enclave.directory.jetstream)
    done = run_broker_command("run", desk.enclave.path, "--no-witnesses")
    assert (done.status, "rolled back" in done.stderr) == (4, True), done


def test_what_was_published_since_the_suspicion_is_shown_with_a_flag(desk: Desk, source: Path) -> None:
    enclave = desk.enclave
    assert enclave.publish("ncsc", source, *WHERE).status == 0
    assert enclave.publish("bzk", source, *WHERE).status == 0
    assert desk.publish(desk.revoke("ncsc-1", since="2026-01-01T00:00:00Z")).status == 0
    done = enclave.watch("tafel", "--from-start", "--count", "2")
    assert {r["sender"]: r.get("suspect") for r in done.rows} == {"ncsc": "laptop gestolen", "bzk": None}
    shown = run("watch", "--config", enclave.config("tafel"), "--from-start", "--count", "2").stdout
    assert [("VERDACHT" in x) for x in shown.splitlines() if "Een signaal" in x] == [True, False]


def test_a_register_that_nears_its_end_warns_whoever_works_with_it(desk: Desk, source: Path) -> None:
    draft = desk.folder / "register-2.toml"
    assert run("register", "new", draft, "--from", desk.newest, "--days", "10").status == 0
    assert desk.publish(desk.sign(draft)).status == 0
    done = desk.enclave.publish("bzk", source, *WHERE)
    assert done.status == 0
    assert "verloopt over 9 dagen" in done.error
    assert "verloopt over 9 dagen" in desk.enclave.watch("tafel", "--idle", "1").error
    assert '"event": "register expires"' in (desk.enclave.path / "broker.log").read_text()


def test_who_reads_is_given_and_loses_themes_while_it_reads(desk: Desk, tmp_path: Path) -> None:
    """One watch, from before its mandate ends to after it has come back: no restart and no alarm."""
    enclave, before = desk.enclave, desk.newest.read_text()

    def publish(title: str) -> None:
        source = tmp_path / "one.json"
        source.write_bytes(line(title))
        assert enclave.publish("bzk", source, *WHERE).status == 0

    def take_away(draft: Path) -> None:
        head, ncsc, rest = draft.read_text().partition('token = "ncsc"')
        own, following, others = rest.partition("[[parties]]")
        draft.write_text(head + ncsc + own.replace('    "process",\n', "") + following + others)

    def give_back(draft: Path) -> None:
        version = next(x for x in draft.read_text().splitlines() if x.startswith("version"))
        text = before.partition("\n— ")[0].rstrip("\n") + "\n"
        draft.write_text(re.sub(r"(?m)^version = .*$", version, text))

    watching = start("watch", "--config", enclave.config("ncsc"), "--json")
    publish("Ervoor")
    watching.wait_for("stdout", "Ervoor")
    assert desk.publish(desk.sign(desk.draft(take_away))).status == 0
    publish("Ertussen")
    time.sleep(5)
    assert desk.publish(desk.sign(desk.draft(give_back))).status == 0
    publish("Erna")
    said = watching.wait_for("stdout", "Erna", 60)
    assert "Ertussen" not in said
    done = watching.interrupt()
    assert "alarm" not in done.stdout + said
    assert "ALARM" not in done.stderr
