# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A running reader without ``read-protected``: it verifies everything, and holds nothing of section 3 anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial.enclave import TrialEnclave, identity, party_of
from trial.forge import epoch_giving
from trial.log import TrialLog
from trial.reader import TrialReader
from trial.samples import encoded

from seinpost._keyring import Keyring
from seinpost.delivery import Delivery
from seinpost.epochs import EpochSecrets
from seinpost_schemas.leaf import PROTECTED, SECTIONS, expand_slots, section_digest
from seinpost_schemas.signal import Signal

NCSC, IBD, TAFEL = identity("ncsc-1"), identity("ibd-1"), identity("tafel-1")
SOURCE = "de bron is een buurvrouw van nummer twaalf"
ONE, TWO, NOISE = b"\x51" * 32, b"\x52" * 32, b"\x53" * 32


def everything_on_disk(path: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file())


def unsealed(reader: TrialReader, epoch_id: bytes) -> EpochSecrets:
    """The epoch's secrets as the reader's own storage key opens them."""
    keyring = Keyring(reader.path, reader.identity)
    stored = keyring.load_epoch(epoch_id)
    keyring.close()
    assert stored is not None
    return msgspec.msgpack.decode(stored, type=EpochSecrets)


def strings_in(value: Any) -> set[str]:
    """Every text in a delivery, whatever structure it is in."""
    found: set[str] = set()
    todo = [msgspec.structs.asdict(value)]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            found.add(item)
        elif isinstance(item, dict):
            todo += list(item.values())
        elif isinstance(item, (list, tuple)):
            todo += list(item)
        elif isinstance(item, msgspec.Struct):
            todo.append(msgspec.structs.asdict(item))
    return found


@pytest.fixture
def readers(enclave: TrialEnclave, log: TrialLog, tmp_path: Path) -> tuple[TrialReader, TrialReader]:
    """Without and with ``read-protected``, on one log with three signals of which two have a section 3."""
    secrets = log.add_epoch(NCSC)
    batch = encoded(1, protected=SOURCE), encoded(2), encoded(3, protected="contact: loket 4")
    log.add_signals(NCSC, secrets, *batch)
    return (
        TrialReader(enclave, IBD, tmp_path / "ibd", log),
        TrialReader(enclave, TAFEL, tmp_path / "tafel", log),
    )


async def test_each_sees_what_it_may_and_both_verify_the_same_leaves(
    readers: tuple[TrialReader, TrialReader],
) -> None:
    without, with_ = readers
    plain, full = await without.read(), await with_.read()
    assert (without.alarms, with_.alarms) == ([], [])
    assert [d.signal.protected is not None for d in full] == [True, False, True]  # type: ignore[union-attr]
    assert full[0].signal.protected.source_description == SOURCE  # type: ignore[union-attr]
    assert [d.signal.protected for d in plain] == [None] * 3  # type: ignore[union-attr]
    assert [d.leaf for d in plain] == [d.leaf for d in full]
    for one, other in zip(plain, full, strict=True):
        assert isinstance(other.signal, Signal)
        assert one.signal == msgspec.structs.replace(other.signal, protected=None)


async def test_nothing_of_section_3_is_in_a_delivery_or_on_disk(
    readers: tuple[TrialReader, TrialReader],
) -> None:
    without, with_ = readers
    plain, full = await without.read(), await with_.read()
    assert any(SOURCE in s for d in full for s in strings_in(d))  # the control: this finds it where it is
    assert not any("bron" in s or "loket" in s for d in plain for s in strings_in(d))
    assert SOURCE.encode() not in everything_on_disk(without.path)
    assert SOURCE.encode() not in everything_on_disk(with_.path)


async def test_the_secret_of_section_3_is_not_in_its_keyring(
    log: TrialLog, readers: tuple[TrialReader, TrialReader]
) -> None:
    without, with_ = readers
    await without.read()
    await with_.read()
    (epoch_id,) = log._carried
    assert unsealed(with_, epoch_id).protected is not None
    plain = unsealed(without, epoch_id)
    assert plain.secret == unsealed(with_, epoch_id).secret
    assert plain.protected is None


async def test_a_dictionary_guess_at_the_leaf_finds_nothing_without_the_protected_salt(
    log: TrialLog, readers: tuple[TrialReader, TrialReader]
) -> None:
    """With everything such a reader holds: both d3 and the main part's seed, and the true text among the guesses."""
    from seinpost.sealing import _open_part
    from seinpost_schemas import labels
    from seinpost_schemas.entry import parse_feed_headers
    from seinpost_schemas.envelope import assemble_envelope
    from seinpost_schemas.header import batch_context
    from seinpost_schemas.sealed_body import split_parts

    without, _ = readers
    await without.read()
    message = log.messages[-1]
    entry, _, signature = parse_feed_headers(dict(message.headers))
    envelope = assemble_envelope(entry.header_bytes, signature, message.body)
    secrets = unsealed(without, envelope.header.epoch_id)
    main, protected = split_parts(envelope.body)
    context = batch_context(envelope.header_bytes)
    seed, rows = msgspec.msgpack.decode(
        _open_part(main, labels.MAIN_KEY, secrets.secret, envelope.header, context)
    )
    assert protected
    d3s = {row[4] for row in rows}
    true = encoded(1, protected=SOURCE).sections[PROTECTED]
    assert true is not None
    slots = expand_slots(seed, len(rows) + 4)
    salts = [slots[i : i + 32] for i in range(0, len(slots), 32)] + [bytes(32), seed, secrets.secret]
    guesses = {section_digest(j, salt, true) for salt in salts for j in range(SECTIONS)}
    assert not guesses & d3s
    # The control: with the salt that only the protected part holds, the same guess hits.
    full = log_secrets(log)
    assert full.protected is not None
    inner = _open_part(protected, labels.PROTECTED_KEY, full.protected, envelope.header, context)
    salt = expand_slots(msgspec.msgpack.decode(inner)[0], 1)[96:128]
    assert section_digest(PROTECTED, salt, true) in d3s


def log_secrets(log: TrialLog) -> EpochSecrets:
    """The sender's own."""
    from seinpost.epochs import open_epoch
    from seinpost_schemas.entry import parse_feed_headers
    from seinpost_schemas.envelope import assemble_envelope

    message = log.messages[0]
    entry, _, signature = parse_feed_headers(dict(message.headers))
    epoch = assemble_envelope(entry.header_bytes, signature, message.body)
    secrets = open_epoch(epoch, TAFEL.kem, read_protected=True)
    assert secrets is not None
    return secrets


async def test_nothing_of_section_3_is_in_the_process(readers: tuple[TrialReader, TrialReader]) -> None:
    without, with_ = readers
    await without.read()
    assert b"buurvrouw van nummer twaalf" not in texts_of(without.deliveries)
    await with_.read()
    assert b"buurvrouw van nummer twaalf" in texts_of(with_.deliveries)


def texts_of(deliveries: list[Delivery]) -> bytes:
    """Deliveries in every form that someone could print or store them in."""
    return b"".join(
        msgspec.msgpack.encode(d.signal) + repr(d).encode() + str(d.signal).encode() for d in deliveries
    )


async def test_a_reader_that_expects_the_protected_secret_and_got_noise_raises_the_alarm(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    holders = [identity(n) for n in ("ncsc-1", "ncsc-2", "ibd-1", "kiesraad-1", "tafel-1")]
    inside = {i.kem.key_id: (i, ONE + NOISE) for i in holders}
    envelope, secrets = epoch_giving(log, NCSC, inside, (ONE, TWO))
    log.append(envelope)
    log.add_signals(NCSC, secrets, encoded(1, protected=SOURCE))
    without, with_ = (
        TrialReader(enclave, IBD, tmp_path / "a", log),
        TrialReader(enclave, TAFEL, tmp_path / "b", log),
    )
    await without.read()
    assert (without.codes, without.titles) == ([], ["Signaal 1"])
    await with_.read()
    assert (with_.codes, with_.titles) == (["commitment"], [])


def allow_ibd(table: dict[str, Any]) -> None:
    for mandate in party_of(table, "ibd")["mandates"]:
        if "read" in mandate["actions"]:
            mandate["actions"].append("read-protected")


def forbid_ibd(table: dict[str, Any]) -> None:
    for mandate in party_of(table, "ibd")["mandates"]:
        mandate["actions"] = [a for a in mandate["actions"] if a != "read-protected"]


def protected_of(deliveries: list[Delivery]) -> list[bool]:
    return [d.signal.protected is not None for d in deliveries]  # type: ignore[union-attr]


async def test_a_right_given_later_opens_the_epochs_after_it_and_spoils_none_before(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1, protected=SOURCE))
    enclave.amend(allow_ibd)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2, protected=SOURCE))
    reader = TrialReader(enclave, IBD, tmp_path, log)
    assert protected_of(await reader.read()) == [False, True]
    assert reader.alarms == []


async def test_a_right_that_the_sender_did_not_know_of_yet_is_not_expected_of_it(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    """The header names the directory that the sender computed its slots at; the entry a later one."""
    before = enclave.size
    enclave.amend(allow_ibd)
    secrets = log.add_epoch(NCSC, directory_size=before)
    log.add_signals(NCSC, secrets, encoded(1, protected=SOURCE))
    reader = TrialReader(enclave, IBD, tmp_path, log)
    assert protected_of(await reader.read()) == [False]
    assert reader.alarms == []


async def test_a_right_taken_away_leaves_what_was_wrapped_before_it(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    enclave.amend(allow_ibd)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1, protected=SOURCE))
    enclave.amend(forbid_ibd)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2, protected=SOURCE))
    reader = TrialReader(enclave, IBD, tmp_path, log)
    assert protected_of(await reader.read()) == [True, False]
    assert reader.alarms == []


async def test_a_reader_that_the_register_named_later_verifies_what_came_before_it(
    enclave: TrialEnclave, log: TrialLog, tmp_path: Path
) -> None:
    from trial.enclave import STRANGER, _identity_table

    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(1, protected=SOURCE))

    def name_it(table: dict[str, Any]) -> None:
        party_of(table, "tafel")["identities"].append(_identity_table(STRANGER))

    enclave.amend(name_it)
    log.add_signals(NCSC, log.add_epoch(NCSC), encoded(2, protected=SOURCE))
    reader = TrialReader(enclave, identity(STRANGER), tmp_path, log)
    await reader.read()
    assert (reader.titles, reader.alarms) == (["Signaal 2"], [])
