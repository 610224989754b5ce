# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One fuzz target per decoder: it accepts bytes in their one form, or raises one of our errors.

    python tests/fuzz/fuzz_decoders.py NAME -runs=100000 new_finds/ tests/fuzz/corpus/NAME/

libFuzzer writes what it finds into the first folder; without a name the names are listed. A target
returns whether the bytes were accepted; anything else that it raises is a finding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


def instrumented() -> AbstractContextManager[object]:
    """Coverage of our own modules, when this file is run to fuzz; nothing, when it is imported."""
    if __name__ != "__main__":
        return nullcontext()
    import atheris

    return atheris.instrument_imports(include=["seinpost", "seinpost_schemas"])


with instrumented():
    from seinpost.kem import KemPrivateKey
    from seinpost.signal_json import format_signal, parse_signal
    from seinpost_schemas.answer import decode_answer
    from seinpost_schemas.batch import decode_batch
    from seinpost_schemas.checkpoint import LogKeys, parse_checkpoint, verify_checkpoint
    from seinpost_schemas.clear_bodies import decode_end_of_epoch, decode_recall, decode_receipt, decode_share
    from seinpost_schemas.compartment import Compartment
    from seinpost_schemas.directory import decode_directory_entry
    from seinpost_schemas.entry import decode_entry, feed_headers, from_base64, parse_feed_headers, to_base64
    from seinpost_schemas.envelope import decode_envelope
    from seinpost_schemas.epoch_body import decode_epoch_body
    from seinpost_schemas.errors import SeinpostError
    from seinpost_schemas.header import decode_header
    from seinpost_schemas.keys import decode_key_object
    from seinpost_schemas.note import Note, format_vkey, parse_note, parse_vkey
    from seinpost_schemas.padding import pad, unpad
    from seinpost_schemas.register import parse_register
    from seinpost_schemas.sealed_body import join_parts, split_parts
    from seinpost_schemas.sections import EncodedSignal, decode_act, decode_signal, encode_act, encode_signal
    from seinpost_schemas.signing import SigningKey
    from seinpost_schemas.statements import (
        decode_own_revocation,
        decode_prekey,
        is_prekey,
        verify_own_revocation,
        verify_prekey,
    )
    from seinpost_schemas.subjects import ingress_subject, parse_ingress_subject
    from seinpost_schemas.submission import decode_submission
    from seinpost_schemas.uuid7 import format_id, make_id, parse_id

SIGNAL_ID = make_id(1_790_000_000_000, bytes(10))
HANDLING = b"\x84\xa6schema\x01\xabsignal_type\xa5alert\xabvalid_until\xd6\xff\x6a\xb1\x3b\x80\xa3tlp\xa3red"
REPORT = encode_signal(
    parse_signal(
        '{"handling":{"schema":1,"signal_type":"alert","valid_until":"2026-09-21T12:00:00Z","tlp":"red"},'
        '"report":{"title":"t","text":"x"}}'
    ),
    SIGNAL_ID,
).sections[1]
"""A section 1 of this version, beside the section that is fuzzed."""
ORIGIN = "test/2026q4/depv/process"
LOG = LogKeys(bytes(range(64)))
READER = KemPrivateKey(b"\1" * 96)
SIGNER = SigningKey(bytes(range(64)))
SENDER, EPOCH = b"S" * 16, b"I" * 16
Decode = Callable[[bytes], object]


class MalleableError(AssertionError):
    """Bytes that were accepted and are not what their own value encodes to."""


def same(again: object, given: object) -> None:
    """Raise ``MalleableError`` unless a value's encoding is what it was decoded from."""
    if again != given:
        raise MalleableError(f"{given!r} was accepted, and encodes to {again!r}")


def encodes_back(decode: Callable[[bytes], object]) -> Decode:
    """A target for a decoder whose values have ``encode()``."""

    def target(data: bytes) -> None:
        same(decode(data).encode(), data)  # type: ignore[attr-defined]

    return target


def section(place: int) -> Decode:
    """A target for one section of a signal; the required ones beside it are good."""

    def target(data: bytes) -> None:
        sections: list[bytes | None] = [HANDLING, REPORT, None, None]
        sections[place] = data
        signal = decode_signal(EncodedSignal(SIGNAL_ID, tuple(sections)))  # type: ignore[arg-type]
        same(encode_signal(signal, SIGNAL_ID).sections[place], data)

    return target


def act(data: bytes) -> None:
    """A length byte, then section 0 of that length, then section 1."""
    cut = 1 + (data[0] if data else 0)
    sections = (data[1:cut], data[cut:], None, None)
    same(encode_act(decode_act(EncodedSignal(SIGNAL_ID, sections)), SIGNAL_ID).sections, sections)


def parts(data: bytes) -> None:
    same(join_parts(*split_parts(data)), data)


def padding(data: bytes) -> None:
    same(pad(unpad(data)), data)


def batch(data: bytes) -> None:
    """The root, then the two parts in the frame of a body: count and flags follow from them."""
    length = int.from_bytes(data[32:36])
    main, protected = data[36 : 36 + length], data[36 + length :]
    decode_batch(
        main,
        protected or None,
        has_protected_part=bool(protected),
        count=min(main.count(b"\x95"), 1_024),
        root=data[:32],
        sender_id=SENDER,
        epoch_id=EPOCH,
    )


def checkpoint(data: bytes) -> None:
    note = parse_note(data)
    same(parse_checkpoint(note).text(), note.text)


def signed_checkpoint(data: bytes) -> None:
    verify_checkpoint(data, ORIGIN, LOG.public)


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def register(data: bytes) -> None:
    parse_register(Note(text(data), ()))


def vkey(data: bytes) -> None:
    same(format_vkey(*parse_vkey(text(data))), text(data))


def signal_id(data: bytes) -> None:
    same(format_id(parse_id(text(data))), text(data))


def subject(data: bytes) -> None:
    same(ingress_subject(*parse_ingress_subject(text(data))), text(data))


def compartment(data: bytes) -> None:
    same(str(Compartment.parse(text(data))), text(data))


def base64(data: bytes) -> None:
    same(to_base64(from_base64(text(data), 4_096)), text(data))


def headers(data: bytes) -> None:
    """The two NATS headers of a feed message, one a line."""
    first, _, second = text(data).partition("\n")
    found = {"Seinpost-Entry": first, "Seinpost-Signature": second}
    entry, _, signature = parse_feed_headers(found)
    same(feed_headers(entry, signature), found)


def answer(data: bytes) -> None:
    value = decode_answer(data)
    same(decode_answer(value.encode()), value)


def json(data: bytes) -> None:
    value = parse_signal(data)
    same(parse_signal(format_signal(value)), value)


def slot(data: bytes) -> None:
    READER.unwrap(data, b"info")


def statement(data: bytes) -> None:
    """Decoded, and taken in by a directory that knows its sender: only what counts changes anything."""
    (decode_prekey if is_prekey(data) else decode_own_revocation)(data)
    verify = verify_prekey if is_prekey(data) else verify_own_revocation
    verify(data, b"E" * 16, SIGNER.public)


DECODERS: dict[str, Decode] = {
    "header": encodes_back(decode_header),
    "envelope": encodes_back(decode_envelope),
    "entry": encodes_back(decode_entry),
    "epoch_body": encodes_back(decode_epoch_body),
    "end_of_epoch": encodes_back(decode_end_of_epoch),
    "receipt": encodes_back(decode_receipt),
    "recall": encodes_back(decode_recall),
    "share": encodes_back(decode_share),
    "key_object": encodes_back(decode_key_object),
    "directory_entry": encodes_back(decode_directory_entry),
    "submission": encodes_back(decode_submission),
    "statement": statement,
    "note": encodes_back(parse_note),
    "handling": section(0),
    "report": section(1),
    "indicators": section(2),
    "protected": section(3),
    "act": act,
    "sealed_body": parts,
    "padding": padding,
    "batch": batch,
    "checkpoint": checkpoint,
    "signed_checkpoint": signed_checkpoint,
    "register": register,
    "vkey": vkey,
    "signal_id": signal_id,
    "subject": subject,
    "compartment": compartment,
    "base64": base64,
    "feed_headers": headers,
    "answer": answer,
    "signal_json": json,
    "slot": slot,
}


def run_one(name: str, data: bytes) -> bool:
    """Whether the decoder accepts ``data``; raises for a finding."""
    try:
        DECODERS[name](data)
    except SeinpostError:
        return False
    return True


def main(arguments: list[str]) -> None:
    """Hand one target to atheris."""
    if len(arguments) < 2 or arguments[1] not in DECODERS:
        sys.exit("usage: fuzz_decoders.py NAME [libFuzzer options] [folders]\n\n" + "\n".join(DECODERS))
    import atheris

    name = arguments.pop(1)

    def target(data: bytes) -> None:
        run_one(name, data)

    atheris.Setup(arguments, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
