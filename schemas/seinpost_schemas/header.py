# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The envelope header: 184 bytes, fixed, big-endian (specification, section 4).

0  magic "SPO1" 4        8  enclave_id 16     56  seq 8               112 count 4
4  kind 1               24  sender_id 16      64  prev_hash 32        116 batch_root 32
5  suite 1              40  epoch_id 16       96  directory_size 8    148 body_len 4
6  classification 1                          104  created_ms 8        152 body_hash 32
7  theme 1
"""

from __future__ import annotations

import hashlib
import struct

import msgspec

from . import labels
from .compartment import Classification, Compartment, Theme
from .errors import BindingError, MalformedError, SignatureError, TooLargeError
from .kinds import SEALED, Kind
from .limits import MAX_BATCH_SIGNALS, MAX_BODY_BYTES

MAGIC = b"SPO1"
SUITE = 1
HEADER_BYTES = 184
CONTEXT_BYTES = 148
"""The part up to and including batch_root: what the sealed body's context binds."""
ZERO_16 = bytes(16)
ZERO_32 = bytes(32)
_LAYOUT = struct.Struct(">4sBBBB16s16s16sQ32sQQI32sI32s")
_CONTEXT = struct.Struct(">4sBBBB16s16s16sQ32sQQI32s")
if _LAYOUT.size != HEADER_BYTES or _CONTEXT.size != CONTEXT_BYTES:  # pragma: no cover
    raise RuntimeError("the header layout does not add up")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A header's fields; hashes 32 bytes, ids 16 bytes, times in Unix milliseconds."""

    kind: int
    compartment: Compartment
    enclave_id: bytes
    sender_id: bytes
    epoch_id: bytes
    seq: int
    prev_hash: bytes
    directory_size: int
    created_ms: int
    count: int
    batch_root: bytes
    body_len: int
    body_hash: bytes

    def _context_fields(self) -> tuple[object, ...]:
        return (
            MAGIC,
            self.kind,
            SUITE,
            self.compartment.classification.code,
            self.compartment.theme.code,
            self.enclave_id,
            self.sender_id,
            self.epoch_id,
            self.seq,
            self.prev_hash,
            self.directory_size,
            self.created_ms,
            self.count,
            self.batch_root,
        )

    def encode(self) -> bytes:
        """The 184 bytes on the wire."""
        return _LAYOUT.pack(*self._context_fields(), self.body_len, self.body_hash)


def batch_context(header_bytes: bytes) -> bytes:
    """The 32-byte context of a sealed body: labelled hash of header bytes 0 to 147."""
    return hashlib.sha256(labels.BATCH_CONTEXT + header_bytes[:CONTEXT_BYTES]).digest()


def object_hash(header_bytes: bytes) -> bytes:
    """The envelope's identity: labelled SHA-256 of its 184 header bytes; never of the signature."""
    return hashlib.sha256(labels.OBJECT + header_bytes).digest()


def hash_body(body: bytes) -> bytes:
    """The 32-byte body_hash of a body."""
    hasher = hashlib.sha256(labels.BODY)
    hasher.update(body)  # not joined: a body may have megabytes
    return hasher.digest()


def decode_header(data: bytes) -> Header:
    """Header bytes, parsed and held to every rule that needs no key.

    Raises ``MalformedError`` (``TooLargeError`` for a length above its limit). A kind that this version
    does not know passes: it is verified and chained, and only then reported as needing an update.
    """
    if len(data) != HEADER_BYTES:
        raise MalformedError(f"a header has {HEADER_BYTES} bytes, not {len(data)}")
    (
        magic, kind, suite, classification, theme, enclave_id, sender_id, epoch_id, seq, prev_hash,
        directory_size, created_ms, count, batch_root, body_len, body_hash,
    ) = _LAYOUT.unpack(data)  # fmt: skip
    if magic != MAGIC:
        raise MalformedError("the header does not start with SPO1")
    if suite != SUITE:
        raise MalformedError(f"suite {suite} is not known; only suite 1 is, and it is never negotiated")
    if kind == 0:
        raise MalformedError("kind 0 does not exist")
    if seq == 0:
        raise MalformedError("a seq starts at 1")
    if body_len > MAX_BODY_BYTES:
        raise TooLargeError(f"a body of {body_len} bytes is over the limit of {MAX_BODY_BYTES}")
    if count > MAX_BATCH_SIGNALS:
        raise TooLargeError(f"{count} signals are over the limit of {MAX_BATCH_SIGNALS} in a batch")
    header = Header(
        kind=kind,
        compartment=Compartment(Classification.from_code(classification), Theme.from_code(theme)),
        enclave_id=enclave_id,
        sender_id=sender_id,
        epoch_id=epoch_id,
        seq=seq,
        prev_hash=prev_hash,
        directory_size=directory_size,
        created_ms=created_ms,
        count=count,
        batch_root=batch_root,
        body_len=body_len,
        body_hash=body_hash,
    )
    if kind in Kind._value2member_map_:
        _refuse_wrong_shape(header, Kind(kind))
    return header


def _refuse_wrong_shape(header: Header, kind: Kind) -> None:
    if kind in SEALED:
        if header.count == 0 or header.epoch_id == ZERO_16:
            raise MalformedError("a sealed body has at least one signal and an epoch")
        return
    if header.count or header.batch_root != ZERO_32:
        raise MalformedError("a clear body has count 0 and a zero batch_root")
    if (header.epoch_id == ZERO_16) != (kind is not Kind.END_OF_EPOCH):
        raise MalformedError("of the clear bodies, an end of epoch names its epoch and no other does")


def verify_body(header: Header, body: bytes) -> None:
    """Raise unless ``body`` is the one that the header covers: length first, then hash."""
    if len(body) != header.body_len:
        raise MalformedError(f"the body has {len(body)} bytes where the header says {header.body_len}")
    if hash_body(body) != header.body_hash:
        raise SignatureError("the body is not the one that was signed")


def verify_enclave(header: Header, enclave_id: bytes) -> None:
    """Raise ``BindingError`` for an envelope of another enclave."""
    if header.enclave_id != enclave_id:
        raise BindingError("the envelope is bound to another enclave")
