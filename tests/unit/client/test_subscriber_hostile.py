# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Hostile senders and brokers, as the running reader answers them: an alarm by name, nothing delivered, and on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial.enclave import DEBATE, OPEN, T0, TrialEnclave, identity
from trial.forge import batch_of, epoch_giving, seal_parts
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import encoded, id_of

from seinpost._transport import StoredMessage
from seinpost.epochs import EpochSecrets
from seinpost.identity import Identity
from seinpost_schemas.entry import ENTRY_HEADER, SIGNATURE_HEADER
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.kinds import Kind
from seinpost_schemas.sections import EncodedSignal

NCSC, OTHER, IBD, KIESRAAD = (identity(n) for n in ("ncsc-1", "ncsc-2", "ibd-1", "kiesraad-1"))
TAFEL, CVDM = identity("tafel-1"), identity("cvdm-1")
READERS = {i.kem.key_id: i for i in (NCSC, OTHER, IBD, KIESRAAD, TAFEL)}
"""Of depv/process, by the key that their slot is for."""
ONE, TWO, NOISE = b"\x51" * 32, b"\x52" * 32, b"\x53" * 32


def read_as(enclave: TrialEnclave, who: Identity, path: Path, *logs: TrialLog) -> TrialReader:
    return TrialReader(enclave, who, path / who.name, *logs)


@pytest.fixture
def reader(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> TrialReader:
    return read_as(enclave, TAFEL, tmp_path, log)


# -- epochs ---------------------------------------------------------------------------------------


def given(**other: tuple[Identity, bytes]) -> dict[bytes, tuple[Identity, bytes]]:
    """Slots that give every reader the same two secrets, but for the ones named (by identity, ``_`` for ``-``)."""
    named = {n.replace("_", "-"): v for n, v in other.items()}
    return {k: named.get(i.name, (i, ONE + TWO)) for k, i in READERS.items()}


async def test_a_slot_that_does_not_open_is_an_alarm_by_its_name(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    """A sender shuts one reader out without seeming to: its slot is wrapped to another key."""
    envelope, secrets = epoch_giving(log, NCSC, given(tafel_1=(IBD, ONE + TWO)), (ONE, TWO))
    log.append(envelope)
    log.add_signals(NCSC, secrets, encoded(1))
    shut_out, other = read_as(enclave, TAFEL, tmp_path, log), read_as(enclave, IBD, tmp_path, log)
    await shut_out.read()
    (alarm,) = shut_out.alarms
    assert (alarm.code, alarm.sender, alarm.index, alarm.compartment) == (
        "bad-slot",
        "ncsc",
        0,
        "depv/process",
    )
    assert shut_out.deliveries == []
    await other.read()
    assert (other.titles, other.alarms) == (["Signaal 1"], [])


@pytest.mark.parametrize(
    "inside",
    [NOISE + TWO, ONE + NOISE, TWO + ONE, bytes(64)],
    ids=["secret", "protected", "swapped", "zeros"],
)
async def test_two_readers_given_different_secrets_is_an_alarm_at_the_one_who_was(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path, inside: bytes
) -> None:
    envelope, secrets = epoch_giving(log, NCSC, given(tafel_1=(TAFEL, inside)), (ONE, TWO))
    log.append(envelope)
    log.add_signals(NCSC, secrets, encoded(1))
    deceived, other = read_as(enclave, TAFEL, tmp_path, log), read_as(enclave, IBD, tmp_path, log)
    await deceived.read()
    assert (deceived.codes, deceived.deliveries) == (["commitment"], [])
    await other.read()
    assert (other.titles, other.codes) == (["Signaal 1"], [])


async def test_a_bad_epoch_does_not_spoil_the_senders_next_one(log: TrialLog, reader: TrialReader) -> None:
    envelope, secrets = epoch_giving(log, NCSC, given(tafel_1=(IBD, ONE + TWO)), (ONE, TWO))
    log.append(envelope)
    log.add_signals(NCSC, secrets, encoded(1))
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2))
    await reader.read()
    assert (reader.codes, reader.titles) == (["bad-slot"], ["Signaal 2"])


# -- inside the seal ------------------------------------------------------------------------------

Batch = Callable[[], EncodedSignal]
PAST = dt.datetime.fromtimestamp(T0 / 1000, dt.UTC)


def raw(number: int, *sections: bytes | None) -> EncodedSignal:
    """A signal whose sections are any bytes."""
    return EncodedSignal(id_of(number), (*sections, *(None,) * (4 - len(sections))))  # type: ignore[arg-type]


def good() -> tuple[bytes, bytes]:
    handling, report, _, _ = encoded(1).sections
    assert handling is not None
    assert report is not None
    return handling, report


def handling(**change: Any) -> bytes:
    """Section 0 with some keys replaced, in their order."""
    table = msgspec.msgpack.decode(good()[0])
    return msgspec.msgpack.encode({**table, **change})


INSIDE: dict[str, tuple[str, Batch]] = {
    "expired when it was admitted": ("expired", lambda: encoded(1, valid_until=PAST)),
    "long expired": ("expired", lambda: encoded(1, valid_until=PAST - dt.timedelta(days=900))),
    "classified without an end": ("classification", lambda: encoded(1, classified_until=None)),
    "a schema of a later version": ("update-needed", lambda: raw(1, handling(schema=2), good()[1])),
    "a report of a later version": (
        "update-needed",
        lambda: raw(1, good()[0], msgspec.msgpack.encode([2, {"new": 1}])),
    ),
    "no report": ("malformed", lambda: raw(1, good()[0])),
    "no handling": ("malformed", lambda: raw(1, None, good()[1])),
    "another TLP": ("malformed", lambda: raw(1, handling(tlp="purple"), good()[1])),
    "a severity of 9": ("malformed", lambda: raw(1, handling(severity=9), good()[1])),
    "an unknown field": ("malformed", lambda: raw(1, handling(zzz=1), good()[1])),
    "a field at its default": ("malformed", lambda: raw(1, handling(exercise=False), good()[1])),
    "a key twice": (
        "malformed",
        lambda: raw(1, bytes((good()[0][0] + 1,)) + good()[0][1:] + b"\xa6schema\x01", good()[1]),
    ),
    "a number in its long form": (
        "malformed",
        lambda: raw(1, good()[0].replace(b"schema\x01", b"schema\xcc\x01"), good()[1]),
    ),
    "a byte too many": ("malformed", lambda: raw(1, good()[0] + b"\0", good()[1])),
    "a section cut short": ("malformed", lambda: raw(1, good()[0][:-1], good()[1])),
    "an empty section": ("malformed", lambda: raw(1, b"", good()[1])),
    "not MessagePack": ("malformed", lambda: raw(1, b"\xc1", good()[1])),
    "no indicators in their section": (
        "malformed",
        lambda: raw(1, *good(), msgspec.msgpack.encode([1, []])),
    ),
    "nested without end": ("malformed", lambda: raw(1, b"\x91" * 30_000, good()[1])),
    "over 64 KiB": ("too-large", lambda: raw(1, good()[0], bytes(65_536))),
    "an act's sections under the kind of signals": (
        "malformed",
        lambda: raw(1, msgspec.msgpack.encode({"schema": 1, "refers_to": []}), good()[1]),
    ),
}


@pytest.mark.parametrize(("name", "make"), INSIDE.values(), ids=INSIDE.keys())
async def test_what_is_wrong_with_one_signal_is_an_alarm_and_the_rest_of_its_envelope_comes(
    log: TrialLog, reader: TrialReader, name: str, make: Batch
) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(7), make(), encoded(8))
    log.add_signals(NCSC, secrets, encoded(9))
    await reader.read()
    assert reader.codes == [name]
    assert (reader.alarms[0].sender, reader.alarms[0].index) == ("ncsc", 1)
    assert reader.titles == ["Signaal 7", "Signaal 8", "Signaal 9"]


async def test_valid_until_is_held_against_the_admission_and_not_the_reading(
    log: TrialLog, reader: TrialReader
) -> None:
    """A reader that comes late reads what held when it was admitted."""
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1, valid_until=PAST + dt.timedelta(milliseconds=1)))
    log.now_ms += 1
    log.add_signals(NCSC, secrets, encoded(2, valid_until=PAST + dt.timedelta(milliseconds=1)))
    await reader.read()
    assert (reader.titles, reader.codes) == (["Signaal 1"], ["expired"])


async def test_an_open_signal_needs_no_end_of_classification(enclave: TrialEnclave, tmp_path: Path) -> None:
    log = TrialLog(enclave, OPEN)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1, classified_until=None))
    reader = read_as(enclave, TAFEL, tmp_path, log)
    await reader.read()
    assert (reader.titles, reader.codes) == (["Signaal 1"], [])


async def test_a_prohibited_signal_type_is_an_alarm_whoever_let_it_pass(
    log: TrialLog, reader: TrialReader
) -> None:
    secrets = log.add_epoch(KIESRAAD, "tafel")
    log.add_signals(KIESRAAD, secrets, encoded(1, signal_type="assessment"))
    log.add_signals(KIESRAAD, secrets, encoded(2))
    await reader.read()
    assert (reader.codes, reader.titles) == (["prohibited"], ["Signaal 2"])
    assert reader.alarms[0].sender == "kiesraad"


async def test_a_signal_type_outside_the_mandate_is_an_alarm(enclave: TrialEnclave, tmp_path: Path) -> None:
    log = TrialLog(enclave, DEBATE)
    secrets = log.add_epoch(CVDM)
    log.add_signals(CVDM, secrets, encoded(1), encoded(2, signal_type="alert"))
    reader = read_as(enclave, TAFEL, tmp_path, log)
    await reader.read()
    assert (reader.codes, reader.titles) == (["mandate"], ["Signaal 1"])


async def test_a_prohibition_is_that_of_the_entrys_own_register_version(
    enclave: TrialEnclave, log: TrialLog, reader: TrialReader
) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1, signal_type="alert"))

    def forbid(table: dict[str, Any]) -> None:
        table["prohibitions"].append(
            {
                "party": "ncsc",
                "action": "publish",
                "signal_types": ["alert"],
                "basis": "Wet",
                "status": "note",
            }
        )

    enclave.amend(forbid)
    log.add_signals(NCSC, secrets, encoded(2, signal_type="alert"))
    await reader.read()
    assert (reader.titles, reader.codes) == (["Signaal 1"], ["prohibited"])


# -- the sealed body ------------------------------------------------------------------------------


def body_of(name: str, log: TrialLog, secrets: EpochSecrets) -> Envelope:
    """An envelope of ncsc whose sealed body is wrong in this way."""
    batch = batch_of(NCSC, secrets, encoded(1))
    other = batch_of(NCSC, secrets, encoded(2))
    protected = batch_of(NCSC, secrets, encoded(1, protected="een bron"))
    foreign = EpochSecrets(secrets.epoch_id, NOISE, NOISE)
    arguments: dict[str, tuple[Any, ...]] = {
        "another epoch's secret": (foreign, batch.main, batch.root),
        "another batch's root": (secrets, batch.main, other.root),
        "a zero root": (secrets, batch.main, bytes(32)),
        "another count": (secrets, batch.main, batch.root, 2),
        "not MessagePack": (secrets, b"\xc1", batch.root),
        "nothing": (secrets, b"", batch.root),
        "a byte too many": (secrets, batch.main + b"\0", batch.root),
        "d3 without a protected part": (secrets, protected.main, protected.root),
        "a protected part without d3": (secrets, batch.main, batch.root, 1, protected.protected),
        "another protected part": (
            secrets,
            protected.main,
            protected.root,
            1,
            batch_of(NCSC, secrets, encoded(1, protected="een ander")).protected,
        ),
        "a protected part that is not MessagePack": (secrets, protected.main, protected.root, 1, b"\xc1"),
    }
    chosen, *rest = arguments[name]
    return seal_parts(log, NCSC, chosen, *rest)


BODIES = {
    "another epoch's secret": "decryption",
    "another batch's root": "root",
    "a zero root": "root",
    "another count": "malformed",
    "not MessagePack": "malformed",
    "nothing": "malformed",
    "a byte too many": "malformed",
    "d3 without a protected part": "malformed",
    "a protected part without d3": "malformed",
    "another protected part": "root",
    "a protected part that is not MessagePack": "malformed",
}


@pytest.mark.parametrize(("name", "code"), BODIES.items(), ids=BODIES.keys())
async def test_a_body_that_is_not_what_it_was_signed_as_is_an_alarm(
    log: TrialLog, reader: TrialReader, name: str, code: str
) -> None:
    secrets = log.add_epoch(NCSC)
    log.append(body_of(name, log, secrets))
    log.add_signals(NCSC, secrets, encoded(3))
    await reader.read()
    assert (reader.codes, reader.titles) == ([code], ["Signaal 3"])
    assert (reader.alarms[0].index, reader.alarms[0].sender) == (1, "ncsc")


async def test_the_control_an_honest_body_made_the_same_way_is_delivered(
    log: TrialLog, reader: TrialReader
) -> None:
    secrets = log.add_epoch(NCSC)
    batch = batch_of(NCSC, secrets, encoded(1, protected="een bron"))
    log.append(seal_parts(log, NCSC, secrets, batch.main, batch.root, 1, batch.protected))
    await reader.read()
    assert (reader.codes, reader.titles) == ([], ["Signaal 1"])


async def test_signals_that_another_epoch_of_the_sender_sealed_do_not_open(
    log: TrialLog, reader: TrialReader
) -> None:
    """Moved under a new header: key, context and leaves all name the epoch."""
    first, second = log.add_epoch(NCSC), log.add_epoch(NCSC)
    batch = batch_of(NCSC, first, encoded(1))
    under_second = EpochSecrets(second.epoch_id, second.secret, second.protected)
    log.append(seal_parts(log, NCSC, under_second, batch.main, batch.root))
    await reader.read()
    assert (reader.codes, reader.titles) == (["root"], [])


# -- a broker that lies ---------------------------------------------------------------------------


def forged(message: StoredMessage, **change: Any) -> StoredMessage:
    fields = {"seq": message.seq, "headers": message.headers, "body": message.body, **change}
    return StoredMessage(**fields)


LIES: dict[str, tuple[str, Callable[[TrialLog], StoredMessage]]] = {
    "a body with a bit flipped": (
        "signature",
        lambda log: forged(
            log.messages[-1], seq=4, body=log.messages[-1].body[:-1] + bytes((log.messages[-1].body[-1] ^ 1,))
        ),
    ),
    "a body cut short": ("malformed", lambda log: forged(log.messages[-1], seq=4, body=b"")),
    "an entry without its signature": (
        "malformed",
        lambda log: forged(
            log.messages[-1], seq=4, headers={ENTRY_HEADER: log.messages[-1].headers[ENTRY_HEADER]}
        ),
    ),
    "an entry beside another's signature": (
        "malformed",
        lambda log: forged(
            log.messages[-1],
            seq=4,
            headers={
                **log.messages[-1].headers,
                SIGNATURE_HEADER: log.messages[0].headers[SIGNATURE_HEADER],
            },
        ),
    ),
    "junk": ("malformed", lambda _: StoredMessage(4, {}, b"junk")),
    "the newest entry once more": ("reordering", lambda log: log.messages[-1]),
    "the first entry once more": ("reordering", lambda log: log.messages[0]),
    "signals of another enclave": (
        "binding",
        lambda log: log.message(log.signals(IBD, secrets_of(log), enclave_id=b"?" * 16)),
    ),
    "signals of another compartment": (
        "binding",
        lambda log: log.message(log.signals(IBD, secrets_of(log), compartment=DEBATE)),
    ),
    "a signal under another's epoch": ("epoch", lambda log: log.message(log.signals(IBD, secrets_of(log)))),
    "a party without a mandate": (
        "mandate",
        lambda log: log.message(log.clear(identity("stil-1"), Kind.RECALL, b"?")),
    ),
    "a stranger": (
        "unknown-sender",
        lambda log: log.message(log.clear(identity("vreemd-1"), Kind.RECALL, b"?")),
    ),
    "an epoch with another's audience": (
        "epoch",
        lambda log: log.message(
            epoch_giving(log, IBD, {TAFEL.kem.key_id: (TAFEL, ONE + TWO)}, (ONE, TWO))[0]
        ),
    ),
    "an end of epoch that counts too many": (
        "epoch-cut-short",
        lambda log: log.message(log.end(NCSC, secrets_of(log).epoch_id, (9, 9))),
    ),
}


def secrets_of(log: TrialLog) -> EpochSecrets:
    return log.secrets  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(("name", "make"), LIES.values(), ids=LIES.keys())
async def test_what_a_broker_slips_in_is_an_alarm_and_is_not_delivered(
    log: TrialLog, reader: TrialReader, name: str, make: Callable[[TrialLog], StoredMessage]
) -> None:
    log.secrets = log.add_epoch(NCSC)  # type: ignore[attr-defined]
    log.add_signals(NCSC, secrets_of(log), encoded(1))
    log.add_signals(NCSC, secrets_of(log), encoded(2))
    lie = make(log)
    log.messages.append(lie)
    # Another sender's signals follow: they are delivered whatever came before.
    epoch, secrets = log.epoch(KIESRAAD)
    after = lie.seq + 1 if lie.seq > 3 else 4
    log.append(epoch, seq=after)
    log.append(log.signals(KIESRAAD, secrets, [encoded(5)]), seq=after + 1)
    await reader.read()
    assert reader.codes == [name]
    assert reader.titles == ["Signaal 1", "Signaal 2", "Signaal 5"]


async def test_a_left_out_entry_is_a_gap_and_what_follows_is_read(log: TrialLog, reader: TrialReader) -> None:
    secrets = log.add_epoch(NCSC)
    for number in (1, 2, 3):
        log.add_signals(NCSC, secrets, encoded(number))
    log.add_signals(IBD, log.add_epoch(IBD), encoded(4))
    del log.messages[2]
    await reader.read()
    # The hole, and what stood behind it on the same chain: both are said, neither is believed.
    assert reader.codes == ["gap"]
    assert reader.titles == ["Signaal 1", "Signaal 4"]


async def test_the_whole_log_again_at_later_places_delivers_nothing_twice(
    log: TrialLog, reader: TrialReader
) -> None:
    secrets = log.add_epoch(NCSC)
    for number in (1, 2):
        log.add_signals(NCSC, secrets, encoded(number))
    log.messages += [forged(m, seq=m.seq + 3) for m in log.messages]
    await reader.read()
    assert reader.titles == ["Signaal 1", "Signaal 2"]
    assert "reordering" in reader.codes


async def test_two_reader_processes_see_the_same_alarms(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    secrets = log.add_epoch(NCSC)
    log.add_signals(NCSC, secrets, encoded(1))
    log.messages.append(StoredMessage(3, {}, b"junk"))
    log.append(log.signals(NCSC, secrets, [encoded(2)]), seq=4)
    for who in (TAFEL, IBD):
        reader = read_as(enclave, who, tmp_path, log)
        await reader.read()
        assert (reader.codes, reader.titles) == (["malformed"], ["Signaal 1", "Signaal 2"])
        assert reader.alarms[0].index == 2


async def test_an_alarm_about_a_signal_repeats_nothing_of_it(log: TrialLog, reader: TrialReader) -> None:
    secrets = log.add_epoch(NCSC)
    for number, change in enumerate(
        [{"signal_type": "Jan Jansen"}, {"Jan Jansen": 1}, {"tlp": "Jan Jansen"}]
    ):
        log.add_signals(NCSC, secrets, raw(number, handling(**change), good()[1]))
    await reader.read()
    assert reader.codes == ["malformed"] * 3
    assert not any("Jansen" in a.message for a in reader.alarms)
