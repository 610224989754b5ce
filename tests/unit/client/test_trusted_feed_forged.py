# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Entries that a broker forged, or changed in a byte: refused by name, and the honest one is accepted after it."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

import pytest
from trial.enclave import STRANGER, TrialEnclave, identity
from trial.log import TrialLog, skip, take
from trial.scene import Scene, refuse

from seinpost._transport import StoredMessage
from seinpost_schemas import labels
from seinpost_schemas.entry import (
    ENTRY_HEADER,
    SIGNATURE_HEADER,
    Entry,
    feed_headers,
    signature_hash,
    to_base64,
)
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.errors import InvalidError, RefusedError
from seinpost_schemas.header import HEADER_BYTES, object_hash
from seinpost_schemas.limits import MAX_BODY_BYTES
from seinpost_schemas.merkle import Frontier
from seinpost_schemas.signing import SIGNATURE_BYTES

MLDSA_BYTES = SIGNATURE_BYTES - 64
HEADER_AT = 33


def with_headers(message: StoredMessage, **headers: str) -> StoredMessage:
    names = {"entry": ENTRY_HEADER, "signature": SIGNATURE_HEADER}
    changed = {**message.headers, **{names[k]: v for k, v in headers.items()}}
    return StoredMessage(message.seq, changed, message.body)


def with_body(message: StoredMessage, body: bytes) -> StoredMessage:
    return StoredMessage(message.seq, message.headers, body)


def entry_of(message: StoredMessage) -> bytes:
    return base64.b64decode(message.headers[ENTRY_HEADER])


def with_entry(message: StoredMessage, at: int, data: bytes) -> StoredMessage:
    """The entry with some of its bytes replaced."""
    raw = bytearray(entry_of(message))
    raw[at : at + len(data)] = data
    return with_headers(message, entry=to_base64(bytes(raw)))


def resign(scene: Scene, signature: bytes) -> StoredMessage:
    """The honest envelope under another signature, which the entry names: a consistent forgery."""
    return scene.log.message(scene.envelope, signature=signature)


# -- the message around the envelope --------------------------------------------------------------

MALFORMED: dict[str, Callable[[Scene], StoredMessage]] = {
    "no headers": lambda s: StoredMessage(s.honest.seq, {}, s.honest.body),
    "no entry": lambda s: StoredMessage(
        s.honest.seq, {SIGNATURE_HEADER: s.honest.headers[SIGNATURE_HEADER]}, s.honest.body
    ),
    "no signature": lambda s: StoredMessage(
        s.honest.seq, {ENTRY_HEADER: s.honest.headers[ENTRY_HEADER]}, s.honest.body
    ),
    "an empty entry": lambda s: with_headers(s.honest, entry=""),
    "not base64": lambda s: with_headers(s.honest, entry="!" * 332),
    "not ASCII": lambda s: with_headers(s.honest, entry="é" * 332),
    "base64 in another form": lambda s: with_headers(
        s.honest, signature=s.honest.headers[SIGNATURE_HEADER].rstrip("=") + "\n"
    ),
    "a short entry": lambda s: with_headers(s.honest, entry=to_base64(entry_of(s.honest)[:-1])),
    "a long entry": lambda s: with_headers(s.honest, entry=to_base64(entry_of(s.honest) + b"\0")),
    "a huge entry": lambda s: with_headers(s.honest, entry="A" * 1_000_000),
    "a huge signature": lambda s: with_headers(s.honest, signature="A" * 1_000_000),
    "another label": lambda s: with_entry(s.honest, 0, b"seinpost/entry/v2"),
    "a signature that the entry does not name": lambda s: with_headers(
        s.honest, signature=s.log.messages[0].headers[SIGNATURE_HEADER]
    ),
    "an entry that names another signature": lambda s: with_entry(s.honest, 217, signature_hash(b"?")),
    "a short signature, named": lambda s: resign(s, s.envelope.signature[:-1]),
    "a signature's first half alone, named": lambda s: resign(s, s.envelope.signature[:MLDSA_BYTES]),
    "a signature's second half alone, named": lambda s: resign(s, s.envelope.signature[MLDSA_BYTES:]),
    "no signature bytes at all, named": lambda s: resign(s, b""),
    "another magic": lambda s: with_entry(s.honest, HEADER_AT, b"SPO2"),
    "another suite": lambda s: with_entry(s.honest, HEADER_AT + 5, b"\x02"),
    "kind 0": lambda s: with_entry(s.honest, HEADER_AT + 4, b"\0"),
    "seq 0": lambda s: with_entry(s.honest, HEADER_AT + 56, bytes(8)),
    "an unknown theme": lambda s: with_entry(s.honest, HEADER_AT + 7, b"\x05"),
    "an unknown classification": lambda s: with_entry(s.honest, HEADER_AT + 6, b"\x05"),
    "a body cut short": lambda s: with_body(s.honest, s.honest.body[:-1]),
    "no body": lambda s: with_body(s.honest, b""),
    "a body with a byte more": lambda s: with_body(s.honest, s.honest.body + b"\0"),
    "the body length of another": lambda s: with_entry(s.honest, HEADER_AT + 148, struct.pack(">I", 12)),
}


@pytest.mark.parametrize("make", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_message_is_refused(scene: Scene, make: Callable[[Scene], StoredMessage]) -> None:
    scene.refuse(make(scene), "malformed")


@pytest.mark.parametrize(("at", "value"), [(148, MAX_BODY_BYTES + 1), (148, 0xFFFFFFFF), (112, 1_025)])
def test_lengths_over_their_limit_are_refused(scene: Scene, at: int, value: int) -> None:
    scene.refuse(with_entry(scene.honest, HEADER_AT + at, struct.pack(">I", value)), "too-large")


# -- the signed bytes -----------------------------------------------------------------------------


def test_every_single_bit_of_the_header_is_signed(scene: Scene) -> None:
    raw = entry_of(scene.honest)
    names = set()
    for bit in range(HEADER_BYTES * 8):
        at = HEADER_AT + bit // 8
        changed = with_entry(scene.honest, at, bytes((raw[at] ^ 1 << bit % 8,)))
        with pytest.raises((InvalidError, RefusedError)) as caught:
            take(scene.feed, changed)
        error = caught.value
        names.add(error.code if isinstance(error, InvalidError) else str(error.reason))
    # Nothing but format, place and sender is looked at before the signature; no rule, no chain, no body.
    assert names == {"malformed", "too-large", "binding", "unknown-sender", "signature"}
    take(scene.feed, scene.honest)


def test_every_byte_of_the_signature_counts(scene: Scene) -> None:
    """One bit of each byte, consistently named by the entry; the bit moves on with the place."""
    signature = scene.envelope.signature
    for at in range(SIGNATURE_BYTES):
        changed = bytearray(signature)
        changed[at] ^= 1 << at % 8
        with pytest.raises(InvalidError) as caught:
            take(scene.feed, resign(scene, bytes(changed)))
        assert caught.value.code == "signature"
    take(scene.feed, scene.honest)


def other_signature(scene: Scene, sender: str = "ncsc-1", kind: int | None = None) -> bytes:
    """A true signature over the honest header, by ``sender``, in the context of ``kind``."""
    context = labels.kind_context(scene.envelope.header.kind if kind is None else kind)
    return identity(sender).signing.sign(scene.envelope.header_bytes, context)


FORGED: dict[str, Callable[[Scene], bytes]] = {
    "another identity of the party": lambda s: other_signature(s, "ncsc-2"),
    "another party": lambda s: other_signature(s, "ibd-1"),
    "a stranger": lambda s: other_signature(s, STRANGER),
    "the sender, for another kind": lambda s: other_signature(s, kind=6),
    "the sender, over the header before": lambda s: s.first.signature,
    "zeros": lambda _: bytes(SIGNATURE_BYTES),
    "the ML-DSA half of another": lambda s: (
        other_signature(s, "ibd-1")[:MLDSA_BYTES] + s.envelope.signature[MLDSA_BYTES:]
    ),
    "the Ed25519 half of another": lambda s: (
        s.envelope.signature[:MLDSA_BYTES] + other_signature(s, "ibd-1")[MLDSA_BYTES:]
    ),
    "the ML-DSA half of another message": lambda s: (
        s.first.signature[:MLDSA_BYTES] + s.envelope.signature[MLDSA_BYTES:]
    ),
    "the Ed25519 half of another message": lambda s: (
        s.envelope.signature[:MLDSA_BYTES] + s.first.signature[MLDSA_BYTES:]
    ),
    "the halves swapped": lambda s: s.envelope.signature[MLDSA_BYTES:] + s.envelope.signature[:MLDSA_BYTES],
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED.keys())
def test_a_signature_of_another_key_message_or_kind_is_refused(
    scene: Scene, make: Callable[[Scene], bytes]
) -> None:
    scene.refuse(resign(scene, make(scene)), "signature")


def test_a_second_signature_by_the_sender_itself_is_another_leaf(scene: Scene) -> None:
    """ML-DSA is randomised: the broker cannot make one, and whoever got another sees another root."""
    again = scene.log.reader()
    take(again, resign(scene, other_signature(scene)))
    take(scene.feed, scene.honest)
    assert again.root() != scene.feed.root()


@pytest.mark.parametrize("at", [0, 3, 4, 60, -1])
def test_a_body_with_a_bit_flipped_is_refused(scene: Scene, at: int) -> None:
    body = bytearray(scene.honest.body)
    body[at] ^= 1
    scene.refuse(with_body(scene.honest, bytes(body)), "signature")


def test_the_body_of_another_envelope_of_the_same_length_is_refused(scene: Scene) -> None:
    assert len(scene.first.body) == len(scene.honest.body)
    scene.refuse(with_body(scene.honest, scene.first.body), "signature")


# -- who signed -----------------------------------------------------------------------------------


def signed_by(scene: Scene, name: str, **change: Any) -> Envelope:
    """The honest header but for what is changed, signed by another."""
    header = scene.log.place(identity("ncsc-1"), 2)
    header = type(header)(**{f: getattr(scene.envelope.header, f) for f in header.__struct_fields__} | change)
    return sign_envelope(header, scene.envelope.body, identity(name).signing)


def test_an_envelope_re_signed_under_ones_own_name_is_outside_ones_chain_and_epoch(scene: Scene) -> None:
    ibd = identity("ibd-1")
    taken = signed_by(scene, "ibd-1", sender_id=ibd.sender_id)
    refuse(scene.feed, scene.log.message(taken), "gap")
    chained = signed_by(scene, "ibd-1", sender_id=ibd.sender_id, prev_hash=bytes(32), seq=1)
    scene.refuse(scene.log.message(chained), "epoch")


def test_a_sender_whose_keys_are_logged_and_whom_the_register_does_not_name(scene: Scene) -> None:
    unnamed = signed_by(scene, STRANGER, sender_id=identity(STRANGER).sender_id)
    scene.refuse(scene.log.message(unnamed), "unknown-sender")


def test_a_sender_id_that_nobody_has(scene: Scene) -> None:
    scene.refuse(scene.log.message(signed_by(scene, "ncsc-1", sender_id=b"?" * 16)), "unknown-sender")


def test_a_sender_that_a_later_version_names_is_unknown_before_it(enclave: TrialEnclave) -> None:
    """Who may send is asked at the entry's own directory size."""
    before = enclave.size
    log = TrialLog(enclave)

    def admit_the_stranger(table: dict[str, Any]) -> None:
        from trial.enclave import _identity_table, party_of

        party_of(table, "ncsc")["identities"].append(_identity_table(STRANGER))

    after = enclave.amend(admit_the_stranger)
    epoch, _ = log.epoch(identity(STRANGER, "ncsc"))
    feed = log.reader()
    refuse(feed, log.message(epoch, directory_size=before), "unknown-sender")
    assert take(feed, log.message(epoch, directory_size=after)).view.register.version == 2


# -- after the alarm ------------------------------------------------------------------------------


def consistent(scene: Scene, header_bytes: bytes, seq: int) -> StoredMessage:
    """A whole, well-formed entry around header bytes that nobody signed."""
    signature = bytes(SIGNATURE_BYTES)
    entry = Entry(scene.log.now_ms, scene.enclave.size, header_bytes, signature_hash(signature))
    return StoredMessage(seq, feed_headers(entry, signature), scene.honest.body)


def next_honest(scene: Scene, seq: int) -> StoredMessage:
    return scene.log.message(scene.envelope, seq=seq)


def test_after_a_forged_entry_in_anothers_name_nobody_else_is_held_up(scene: Scene) -> None:
    forged = scene.log.message(signed_by(scene, "stil-1", sender_id=b"?" * 16))
    refuse(scene.feed, forged, "unknown-sender")
    skip(scene.feed, forged)
    assert take(scene.feed, next_honest(scene, 4)).index == 3


def test_a_damaged_signature_does_not_hold_up_what_its_sender_sent_after_it(scene: Scene) -> None:
    damaged = resign(scene, scene.envelope.signature[:-1] + bytes((scene.envelope.signature[-1] ^ 1,)))
    refuse(scene.feed, damaged, "signature")
    skip(scene.feed, damaged)
    scene.log.append(scene.envelope)
    assert take(scene.feed, scene.log.message(scene.signals())).index == 3


@pytest.mark.parametrize("seq", [3, 1 << 63])
def test_a_forged_header_does_not_hold_up_the_sender_it_names(scene: Scene, seq: int) -> None:
    header = scene.log.place(
        scene.ncsc, 2, seq=seq, epoch_id=b"I" * 16, count=1, body_len=len(scene.honest.body)
    )
    forged = consistent(scene, header.encode(), 3)
    refuse(scene.feed, forged, "signature")
    skip(scene.feed, forged)
    assert take(scene.feed, next_honest(scene, 4)).index == 3


def test_a_repeated_entry_does_not_set_its_senders_chain_back(scene: Scene) -> None:
    old = scene.log.messages[0]
    repeated = StoredMessage(3, old.headers, old.body)
    refuse(scene.feed, repeated, "reordering")
    skip(scene.feed, repeated)
    assert take(scene.feed, next_honest(scene, 4)).index == 3


def test_after_one_repeated_entry_the_rest_is_a_repeat_too(scene: Scene) -> None:
    for index, name in ((0, "reordering"), (1, "reordering")):
        old = scene.log.messages[index]
        repeated = StoredMessage(3 + index, old.headers, old.body)
        refuse(scene.feed, repeated, name)
        skip(scene.feed, repeated)


@pytest.mark.parametrize("change", [{"admitted_ms": (1 << 64) - 1}, {"directory_size": 1 << 60}])
def test_a_refused_entrys_time_and_size_bind_nobody(scene: Scene, change: dict[str, int]) -> None:
    forged = scene.log.message(signed_by(scene, "ibd-1"), **change)
    with pytest.raises((InvalidError, RefusedError)):
        take(scene.feed, forged)
    skip(scene.feed, forged)
    scene.log.append(scene.envelope)
    assert take(scene.feed, scene.log.message(scene.signals(), seq=4)).index == 3


def test_a_malformed_message_has_its_place_and_no_more(scene: Scene) -> None:
    junk = StoredMessage(3, {}, b"")
    refuse(scene.feed, junk, "malformed")
    skip(scene.feed, junk)
    assert scene.feed.size == 3
    assert take(scene.feed, next_honest(scene, 4)).index == 3


@pytest.mark.parametrize("seq", [0, 1, 2])
def test_a_malformed_message_at_an_old_place_is_not_counted(scene: Scene, seq: int) -> None:
    junk = StoredMessage(seq, {}, b"")
    refuse(scene.feed, junk, "malformed")
    skip(scene.feed, junk)
    take(scene.feed, scene.honest)


def test_a_malformed_message_after_a_gap_is_counted_at_its_place(scene: Scene) -> None:
    junk = StoredMessage(9, {}, b"")
    refuse(scene.feed, junk, "malformed")
    skip(scene.feed, junk)
    assert scene.feed.size == 9


def test_after_a_gap_the_feed_goes_on_and_its_root_is_nobodys(scene: Scene) -> None:
    far = scene.log.message(scene.envelope, seq=9)
    refuse(scene.feed, far, "gap")
    skip(scene.feed, far)
    assert scene.feed.size == 9
    whole = scene.log.reader()
    take(whole, scene.honest)
    assert scene.feed.root() != whole.root()
    scene.log.append(scene.envelope)
    assert take(scene.feed, scene.log.message(scene.signals(), seq=10)).index == 9


def test_a_gap_of_any_size_costs_little(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    work, append = [0], Frontier.append

    def counted(frontier: Frontier, leaf: bytes) -> int:
        work[0] += 1
        assert work[0] < 1_000, "a sequence number from outside decides how much work is done"
        return append(frontier, leaf)

    monkeypatch.setattr(Frontier, "append", counted)
    skip(scene.feed, scene.log.message(scene.envelope, seq=1 << 62))
    assert scene.feed.size == 1 << 62


# -- headers that were refused and may have been their sender's after all ---------------------------


def forged_header(scene: Scene, number: int, **change: Any) -> StoredMessage:
    """An entry around a header that nobody signed, each with another hash."""
    fields = {"seq": 9, "epoch_id": b"I" * 16, "count": 1, "created_ms": number, **change}
    header = scene.log.place(scene.ncsc, 2, body_len=len(scene.honest.body), **fields)
    return consistent(scene, header.encode(), scene.feed.size + 1)


def test_once_the_chain_has_gone_on_a_refused_header_is_no_predecessor_any_more(scene: Scene) -> None:
    forged = forged_header(scene, 1)
    skip(scene.feed, forged)
    scene.log.append(scene.envelope, seq=4)
    take(scene.feed, scene.log.messages[-1])
    hash_ = object_hash(entry_of(forged)[HEADER_AT : HEADER_AT + HEADER_BYTES])
    branch = scene.signals(seq=20, prev_hash=hash_)
    refuse(scene.feed, scene.log.message(branch, seq=5), "gap")
    take(scene.feed, scene.log.message(scene.signals(), seq=5))


def test_an_old_header_logged_again_is_no_predecessor_of_anything_new(scene: Scene) -> None:
    old = scene.log.messages[0]
    skip(scene.feed, StoredMessage(3, old.headers, old.body))
    branch = scene.signals(seq=3, prev_hash=scene.epoch.object_hash)
    refuse(scene.feed, scene.log.message(branch, seq=4), "gap")
    take(scene.feed, scene.log.message(scene.envelope, seq=4))


def test_many_refused_headers_in_one_senders_name_cost_a_few(scene: Scene) -> None:
    before = len(scene.feed.encode())
    for number in range(500):
        skip(scene.feed, forged_header(scene, number))
    assert len(scene.feed.encode()) - before < 1_000
    assert take(scene.feed, scene.log.message(scene.envelope, seq=scene.feed.size + 1)).known


def test_refused_headers_of_senders_that_nobody_is_cost_nothing(scene: Scene) -> None:
    before = len(scene.feed.encode())
    for number in range(500):
        skip(scene.feed, forged_header(scene, number, sender_id=number.to_bytes(16, "big")))
    assert len(scene.feed.encode()) - before < 1_000
