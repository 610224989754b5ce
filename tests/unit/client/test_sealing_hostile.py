# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a hostile sender seals properly, under its own good signature, and no reader accepts."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from cryptography.cobblestone import Cobblestone256Encryptor

from seinpost.epochs import EpochSecrets
from seinpost.sealing import open_envelope, part_key
from seinpost_schemas import canonical, labels
from seinpost_schemas.batch import Batch, encode_batch
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.envelope import Envelope, decode_envelope, sign_envelope
from seinpost_schemas.errors import DecryptionError, InvalidError, MalformedError, RootError
from seinpost_schemas.header import Header, batch_context, hash_body
from seinpost_schemas.kinds import Kind
from seinpost_schemas.leaf import expand_slots, leaf_hash, section_digest
from seinpost_schemas.merkle import root_hash
from seinpost_schemas.padding import pad
from seinpost_schemas.sealed_body import join_parts, split_parts
from seinpost_schemas.sections import EncodedSignal, decode_signal
from seinpost_schemas.signal import Report
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.uuid7 import make_id

SENDER = SigningKey(bytes(range(64)))
EPOCH = EpochSecrets(b"I" * 16, b"\x51" * 32, b"\x52" * 32)
UNPROTECTED = EpochSecrets(EPOCH.epoch_id, EPOCH.secret, None)
PLACE = Header(
    kind=Kind.SIGNALS,
    compartment=Compartment(Classification.DEPV, Theme.PROCESS),
    enclave_id=b"E" * 16,
    sender_id=SENDER.public.sender_id,
    epoch_id=bytes(16),
    seq=7,
    prev_hash=b"p" * 32,
    directory_size=12,
    created_ms=1_790_000_000_000,
    count=0,
    batch_root=bytes(32),
    body_len=0,
    body_hash=bytes(32),
)


def signal(number: int, section3: bytes | None = None, section2: bytes | None = None) -> EncodedSignal:
    sections = (b"handling %d" % number, b"report %d" % number, section2, section3)
    return EncodedSignal(make_id(number, bytes(10)), sections)


PLAIN = [signal(1), signal(2, section2=b"indicators"), signal(3)]
MIXED = [signal(1, b"the source is a neighbour"), signal(2), signal(3, b"contact: desk 4")]


def seal_parts(
    main: bytes,
    protected: bytes | None = None,
    *,
    count: int = 1,
    root: bytes = bytes(32),
    padding: Callable[[bytes], bytes] = pad,
) -> Envelope:
    """Properly sealed and signed, whatever is inside: what a hostile sender with its own keys can do."""
    place = msgspec.structs.replace(PLACE, epoch_id=EPOCH.epoch_id, count=count, batch_root=root)
    context = batch_context(place.encode())
    parts = []
    for label, secret, content in (
        (labels.MAIN_KEY, EPOCH.secret, main),
        (labels.PROTECTED_KEY, EPOCH.protected, protected),
    ):
        if content is None or secret is None:
            parts.append(b"")
            continue
        encryptor = Cobblestone256Encryptor(part_key(label, secret, EPOCH.epoch_id, PLACE.seq), context)
        parts.append(encryptor.update(padding(content)) + encryptor.finalize())
    body = join_parts(*parts)
    return sign_envelope(
        msgspec.structs.replace(place, body_len=len(body), body_hash=hash_body(body)), body, SENDER
    )


def encoded(signals: list[EncodedSignal]) -> Batch:
    return encode_batch(signals, SENDER.public.sender_id, EPOCH.epoch_id, b"\x61" * 32, b"\x62" * 32)


def reopen(envelope: Envelope, secrets: EpochSecrets = EPOCH) -> list[EncodedSignal]:
    return open_envelope(decode_envelope(envelope.encode()), SENDER.public, secrets).signals


def test_an_honest_batch_sealed_by_hand_opens() -> None:
    batch = encoded(MIXED)  # the control for everything below
    assert reopen(seal_parts(batch.main, batch.protected, count=3, root=batch.root)) == MIXED


def non_minimal_length(main: bytes) -> bytes:
    assert main[:3] == b"\x92\xc4\x20"
    return b"\x92\xc5\x00\x20" + main[3:]


MAIN = encoded([PLAIN[0]])
BAD_MAIN: dict[str, bytes] = {
    "a length that is not minimal": non_minimal_length(MAIN.main),
    "an array header that is not minimal": b"\xdc\x00\x02" + MAIN.main[1:],
    "a byte after the end": MAIN.main + b"\0",
    "a byte short": MAIN.main[:-1],
    "a map": canonical.encode({"seed": b"\x61" * 32, "rows": []}),
    "the same map key twice": b"\x82\xa4seed\xc0\xa4seed\xc0",
    "a string for the seed": MAIN.main.replace(b"\xc4\x20", b"\xd9\x20", 1),
    "a seed of 31 bytes": canonical.encode((b"\x61" * 31, [(PLAIN[0].id, b"", b"", None, None)])),
    "no signal": canonical.encode((b"\x61" * 32, [])),
    "nothing": b"",
    "not MessagePack": b"\xc1",
    "a thousand nested arrays": b"\x91" * 2_000,
}


@pytest.mark.parametrize("main", BAD_MAIN.values(), ids=BAD_MAIN.keys())
def test_a_main_part_in_any_other_encoding_is_malformed(main: bytes) -> None:
    with pytest.raises(MalformedError):
        reopen(seal_parts(main, root=MAIN.root))


BOTH = encoded(MIXED)
SEED2, ROWS2 = msgspec.msgpack.decode(BOTH.protected or b"")
BAD_PROTECTED: dict[str, bytes] = {
    "an index that is not minimal": canonical.encode((SEED2, ROWS2)).replace(
        b"\x92\x02\xc4", b"\x92\xcc\x02\xc4"
    ),
    "one index twice": canonical.encode((SEED2, [ROWS2[0], ROWS2[0]])),
    "falling indexes": canonical.encode((SEED2, ROWS2[::-1])),
    "an index beyond the batch": canonical.encode((SEED2, [(3, b"x")])),
    "a negative index": canonical.encode((SEED2, [(-1, b"x")])),
    "no rows": canonical.encode((SEED2, [])),
    "a short seed": canonical.encode((SEED2[:31], ROWS2)),
    "a byte after the end": canonical.encode((SEED2, ROWS2)) + b"\0",
}


@pytest.mark.parametrize("protected", BAD_PROTECTED.values(), ids=BAD_PROTECTED.keys())
def test_a_protected_part_in_any_other_form_is_malformed(protected: bytes) -> None:
    assert protected != BOTH.protected
    with pytest.raises(MalformedError):
        reopen(seal_parts(BOTH.main, protected, count=3, root=BOTH.root))


# Roots and leaves


def test_a_root_over_other_signals_is_refused() -> None:
    batch = encoded(PLAIN)
    for root in (bytes(32), encoded(PLAIN[:2]).root, encoded(PLAIN[::-1]).root):
        with pytest.raises(RootError):
            reopen(seal_parts(batch.main, count=3, root=root))


@pytest.mark.parametrize("count", [1, 2, 4, 1_024])
def test_another_number_of_signals_than_the_header_says_is_malformed(count: int) -> None:
    batch = encoded(PLAIN)
    with pytest.raises(MalformedError, match="signals where the header says"):
        reopen(seal_parts(batch.main, count=count, root=batch.root))


def test_one_id_twice_in_a_batch_is_malformed() -> None:
    batch = encoded(PLAIN[:2])
    twice = batch.main.replace(PLAIN[1].id, PLAIN[0].id)
    assert twice != batch.main
    with pytest.raises(MalformedError, match="twice"):
        reopen(seal_parts(twice, count=2, root=batch.root))


@pytest.mark.parametrize("bad", [bytes(16), b"\xff" * 16, make_id(1, bytes(10))[:15], b""])
def test_an_id_that_is_no_uuid7_is_malformed(bad: bytes) -> None:
    batch = encoded([EncodedSignal(bad, PLAIN[0].sections)])
    with pytest.raises(MalformedError, match="UUIDv7"):
        reopen(seal_parts(batch.main, root=batch.root))


def hand_made_root(digest3: bytes) -> bytes:
    """The root of a batch of one whose fourth digest the sender chose."""
    slots = expand_slots(b"\x61" * 32, 1)
    d0, d1 = (section_digest(j, slots[32 * j : 32 * j + 32], PLAIN[0].sections[j] or b"") for j in range(2))
    digests = (d0, d1, slots[64:96], digest3)
    return root_hash([leaf_hash(PLAIN[0].id, PLACE.sender_id, EPOCH.epoch_id, digests)])


def test_a_d3_that_covers_no_section_is_found_by_those_who_can_read_it() -> None:
    # The root holds and the signature too: only recomputing d3 shows that section 3 is not what was signed.
    row = (PLAIN[0].id, *PLAIN[0].sections[:3], b"\x33" * 32)
    main = canonical.encode((b"\x61" * 32, [row]))
    protected = canonical.encode((b"\x62" * 32, [(0, b"shown to some, provable to nobody")]))
    envelope = seal_parts(main, protected, root=hand_made_root(b"\x33" * 32))
    with pytest.raises(RootError, match="protected section"):
        reopen(envelope)
    assert reopen(envelope, UNPROTECTED)[0].sections[3] is None


def test_d3_stands_for_every_signal_or_for_none() -> None:
    without, real = encoded(PLAIN), encoded(MIXED)
    seed, rows = msgspec.msgpack.decode(real.main)
    holed = canonical.encode((seed, [rows[0], [*rows[1][:4], None], rows[2]]))
    short = canonical.encode((seed, [rows[0], [*rows[1][:4], rows[1][4][:31]], rows[2]]))
    for main, protected in (
        (without.main, real.protected),
        (real.main, None),
        (holed, real.protected),
        (short, real.protected),
    ):
        with pytest.raises(MalformedError, match="d3 stands"):
            reopen(seal_parts(main, protected, count=3, root=real.root))


# Padding and frames

BAD_PADDING: dict[str, Callable[[bytes], bytes]] = {
    "no padding": lambda content: len(content).to_bytes(4, "big") + content + bytes(300),
    "a bucket too large": lambda content: pad(content) + bytes(32),
    "fill that is not zero": lambda content: pad(content)[:-1] + b"\1",
    "a length beyond the part": lambda content: b"\xff\xff\xff\xff" + pad(content)[4:],
    "a length that leaves the end in the fill": lambda content: (
        (len(content) - 1).to_bytes(4, "big") + pad(content)[4:]
    ),
}


@pytest.mark.parametrize("padding", BAD_PADDING.values(), ids=BAD_PADDING.keys())
def test_any_other_padding_is_malformed(padding: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedError, match=r"padd|bucket"):
        reopen(seal_parts(MAIN.main, root=MAIN.root, padding=padding))


def test_a_frame_that_does_not_end_with_its_parts_is_malformed() -> None:
    main, protected = split_parts(seal_parts(BOTH.main, BOTH.protected, count=3, root=BOTH.root).body)
    for body in (
        b"",
        b"\0\0\0",
        join_parts(main, protected) + b"\0",
        join_parts(main, protected)[:-1],
        join_parts(main[:327], b""),
        join_parts(main, protected[:327]),
        b"\xff\xff\xff\xff" + join_parts(main, protected)[4:],
    ):
        with pytest.raises(MalformedError):
            split_parts(body)


def test_a_truncated_part_is_refused_even_at_a_chunks_edge() -> None:
    batch = encoded([EncodedSignal(PLAIN[0].id, (bytes(20_000), bytes(20_000), None, None))])
    envelope = seal_parts(batch.main, root=batch.root)
    main, _ = split_parts(envelope.body)
    chunk = 16_384 + 16
    for end in (56 + chunk, 56 + 2 * chunk, len(main) - 1, 56 + chunk + 100):
        body = join_parts(main[:end], b"")
        header = msgspec.structs.replace(envelope.header, body_len=len(body), body_hash=hash_body(body))
        with pytest.raises(DecryptionError):
            reopen(sign_envelope(header, body, SENDER))


# Sections in another encoding, in a batch that is signed, sealed and rooted well


SCHEMA, TYPE = b"\xa6schema\x01", b"\xabsignal_type\xa5alert"
UNTIL, TLP = b"\xabvalid_until\xd6\xff\x6a\xb1\x3b\x80", b"\xa3tlp\xa3red"
HANDLING = b"\x84" + SCHEMA + TYPE + UNTIL + TLP
REPORT = canonical.encode_versioned((1, Report(title="t", text="x")))
BAD_HANDLING: dict[str, bytes] = {
    "a key twice": b"\x85" + SCHEMA + TYPE + UNTIL + TLP + TLP,
    "a key twice, the first one wins": b"\x85" + SCHEMA + TYPE + UNTIL + b"\xa3tlp\xa5clear" + TLP,
    "a key that is not minimal": b"\x84\xd9\x06" + SCHEMA[1:] + TYPE + UNTIL + TLP,
    "a number that is not minimal": b"\x84" + SCHEMA[:-1] + b"\xcc\x01" + TYPE + UNTIL + TLP,
    "a map header that is not minimal": b"\xde\x00\x04" + HANDLING[1:],
    "keys in another order": b"\x84" + SCHEMA + TYPE + TLP + UNTIL,
    "a default that is written out": b"\x85" + HANDLING[1:] + b"\xa8exercise\xc2",
    "nil for an absent field": b"\x85" + HANDLING[1:] + b"\xa3pap\xc0",
    "an unknown key": b"\x85" + HANDLING[1:] + b"\xa1z\x01",
    "a time of 12 bytes": b"\x84"
    + SCHEMA
    + TYPE
    + b"\xabvalid_until\xc7\x0c\xff"
    + bytes(8)
    + UNTIL[-4:]
    + TLP,
    "a float": b"\x84\xa6schema\xcb\x3f\xf0" + bytes(6) + TYPE + UNTIL + TLP,
    "a byte after the end": HANDLING + b"\0",
}


def opened_with(handling: bytes, report: bytes) -> EncodedSignal:
    batch = encoded([EncodedSignal(PLAIN[0].id, (handling, report, None, None))])
    return reopen(seal_parts(batch.main, root=batch.root))[0]


def test_canonical_sections_open_and_decode() -> None:
    signal = decode_signal(opened_with(HANDLING, REPORT))
    assert (signal.handling.tlp, signal.report.title) == ("red", "t")


@pytest.mark.parametrize("handling", BAD_HANDLING.values(), ids=BAD_HANDLING.keys())
def test_a_section_in_any_other_encoding_is_malformed(handling: bytes) -> None:
    opened = opened_with(handling, REPORT)
    with pytest.raises(MalformedError):
        decode_signal(opened)


def test_an_error_about_a_hostile_batch_is_one_of_ours() -> None:
    for main in BAD_MAIN.values():
        with pytest.raises(InvalidError):
            reopen(seal_parts(main, root=MAIN.root))
