# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The request of a new identity: the public half that a registrar takes into the register, as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .entry import from_base64
from .errors import MalformedError
from .keys import KEY_OBJECT_BYTES, KeyObject, decode_key_object
from .register import NKey, Oin
from .subjects import parse_token

MAX_REQUEST_BYTES = 64 * 1024


class WitnessRequest(msgspec.Struct, frozen=True):
    """The cosignature keys of a new witness, in base64 (32 and 1,312 bytes)."""

    ed25519: str
    mldsa44: str


class KeyRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `seinpost keygen` writes; ``keys`` is the key object in base64, ``machine`` for people only."""

    party: str
    name: str
    keys: str
    nats: NKey
    oin: Oin | None = None
    machine: Annotated[str, Meta(max_length=100)] | None = None
    witness: WitnessRequest | None = None

    def key_object(self) -> KeyObject:
        """The keys, parsed and verified to be keys; raises ``MalformedError``."""
        keys = decode_key_object(from_base64(self.keys, KEY_OBJECT_BYTES))
        keys.verifying_key()
        keys.verify_kem()
        return keys


def decode_request(data: bytes) -> KeyRequest:
    """A request file's bytes; raises ``MalformedError``."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedError(f"a request of {len(data)} bytes is over the limit of {MAX_REQUEST_BYTES}")
    try:
        request = msgspec.json.decode(data, type=KeyRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"this is not a request of seinpost keygen: {error}") from None
    parse_token(request.party, "party")
    parse_token(request.name, "identity")
    request.key_object()
    return request
