# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Envelopes: three parts, taken apart before anything is verified."""

from __future__ import annotations

import msgspec
import pytest

from seinpost_schemas.envelope import (
    MAX_ENVELOPE_BYTES,
    PREFIX_BYTES,
    Envelope,
    assemble_envelope,
    decode_envelope,
    sign_envelope,
    verify_envelope,
)
from seinpost_schemas.errors import MalformedError, SignatureError, TooLargeError
from seinpost_schemas.header import Header, hash_body, object_hash
from seinpost_schemas.signing import SigningKey

KEY = SigningKey(bytes(range(64)))
BODY = b"a body, not opened here"


@pytest.fixture(scope="module")
def envelope(header: Header) -> Envelope:
    whole = msgspec.structs.replace(header, body_len=len(BODY), body_hash=hash_body(BODY))
    return sign_envelope(whole, BODY, KEY)


def test_an_envelope_is_header_signature_and_body(envelope: Envelope) -> None:
    wire = envelope.encode()
    assert PREFIX_BYTES == 184 + 3_373 == 3_557
    assert (wire[:184], wire[3_557:]) == (envelope.header.encode(), BODY)
    assert decode_envelope(wire) == envelope
    assert assemble_envelope(wire[:184], wire[184:3_557], wire[3_557:]) == envelope
    assert verify_envelope(decode_envelope(wire), KEY.public) == envelope


def test_its_identity_is_not_of_its_signature(envelope: Envelope) -> None:
    again = sign_envelope(envelope.header, BODY, KEY)
    assert again.signature != envelope.signature
    assert again.object_hash == envelope.object_hash == object_hash(envelope.header_bytes)


@pytest.mark.parametrize("length", [0, 184, 3_556, 3_557, 3_557 + len(BODY) - 1])
def test_a_cut_envelope_is_malformed(envelope: Envelope, length: int) -> None:
    with pytest.raises(MalformedError):
        decode_envelope(envelope.encode()[:length])


def test_bytes_after_the_body_are_malformed(envelope: Envelope) -> None:
    with pytest.raises(MalformedError, match="the body has"):
        decode_envelope(envelope.encode() + b"\0")


def test_an_envelope_over_its_limit_is_refused_unread() -> None:
    assert MAX_ENVELOPE_BYTES == 986_597
    with pytest.raises(TooLargeError):
        decode_envelope(bytes(MAX_ENVELOPE_BYTES + 1))
    with pytest.raises(MalformedError, match="SPO1"):
        decode_envelope(bytes(MAX_ENVELOPE_BYTES))


@pytest.mark.parametrize("length", [0, 3_309, 3_372, 3_374])
def test_a_signature_of_another_length_is_malformed(envelope: Envelope, length: int) -> None:
    with pytest.raises(MalformedError, match="a signature has"):
        assemble_envelope(envelope.header_bytes, bytes(length), BODY)


def test_another_body_of_the_same_length_is_refused(envelope: Envelope) -> None:
    other = msgspec.structs.replace(envelope, body=BODY[::-1])
    with pytest.raises(SignatureError, match="body is not the one"):
        verify_envelope(other, KEY.public)


def test_a_header_that_would_not_decode_is_never_signed(header: Header) -> None:
    for change in ({"seq": 0}, {"count": 0}, {"kind": 0}, {"body_len": 983_041}):
        with pytest.raises(MalformedError):
            sign_envelope(msgspec.structs.replace(header, **change), BODY, KEY)
