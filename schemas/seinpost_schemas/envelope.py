# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The envelope: header 184 ‖ signature 3,373 ‖ body (specification, section 4)."""

from __future__ import annotations

import msgspec

from . import labels
from .errors import MalformedError, TooLargeError
from .header import HEADER_BYTES, Header, decode_header, object_hash, verify_body
from .limits import MAX_BODY_BYTES
from .signing import SIGNATURE_BYTES, SigningKey, VerifyingKey

PREFIX_BYTES = HEADER_BYTES + SIGNATURE_BYTES
MAX_ENVELOPE_BYTES = PREFIX_BYTES + MAX_BODY_BYTES


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A signed object on the wire, as received; ``header`` is decoded, the bytes are kept."""

    header: Header
    header_bytes: bytes
    signature: bytes
    body: bytes
    object_hash: bytes

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return self.header_bytes + self.signature + self.body


class UnsignedEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """A finished header with its body, not signed yet: the next header of its chain can name it already."""

    header: Header
    header_bytes: bytes
    body: bytes
    object_hash: bytes

    def sign(self, key: SigningKey) -> Envelope:
        """The envelope, signed under the kind's context."""
        return Envelope(
            header=self.header,
            header_bytes=self.header_bytes,
            signature=key.sign(self.header_bytes, labels.kind_context(self.header.kind)),
            body=self.body,
            object_hash=self.object_hash,
        )


def unsigned_envelope(header: Header, body: bytes) -> UnsignedEnvelope:
    """A finished header and its body."""
    header_bytes = header.encode()
    decode_header(header_bytes)  # our own bug, if it raises, must not reach the chain
    return UnsignedEnvelope(
        header=header, header_bytes=header_bytes, body=body, object_hash=object_hash(header_bytes)
    )


def sign_envelope(header: Header, body: bytes, key: SigningKey) -> Envelope:
    """The envelope of a finished header and its body, signed under the kind's context."""
    return unsigned_envelope(header, body).sign(key)


def decode_envelope(data: bytes) -> Envelope:
    """Wire bytes, taken apart; nothing is verified yet. Raises ``MalformedError``."""
    if len(data) > MAX_ENVELOPE_BYTES:
        raise TooLargeError(f"an envelope of {len(data)} bytes is over the limit of {MAX_ENVELOPE_BYTES}")
    if len(data) < PREFIX_BYTES:
        raise MalformedError(f"an envelope has at least {PREFIX_BYTES} bytes, not {len(data)}")
    return assemble_envelope(data[:HEADER_BYTES], data[HEADER_BYTES:PREFIX_BYTES], data[PREFIX_BYTES:])


def assemble_envelope(header_bytes: bytes, signature: bytes, body: bytes) -> Envelope:
    """An envelope from its three parts, as the feed carries them; nothing is verified yet."""
    header = decode_header(header_bytes)
    if len(signature) != SIGNATURE_BYTES:
        raise MalformedError(f"a signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    if len(body) != header.body_len:
        raise MalformedError(f"the body has {len(body)} bytes where the header says {header.body_len}")
    return Envelope(
        header=header,
        header_bytes=header_bytes,
        signature=signature,
        body=body,
        object_hash=object_hash(header_bytes),
    )


def verify_envelope(envelope: Envelope, key: VerifyingKey) -> Envelope:
    """The same envelope, now known to be signed by ``key``; raises ``SignatureError``."""
    key.verify(envelope.signature, envelope.header_bytes, labels.kind_context(envelope.header.kind))
    verify_body(envelope.header, envelope.body)
    return envelope
