# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The request of a new identity: the public half that a registrar takes into the register, as JSON.

Its fingerprint (specification, section 8.11) is over everything in it, so that whoever carries it to the
registrar can change nothing: keys, connection key, witness keys, party, name, machine and OIN alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from . import canonical, labels
from .cert_subject import parse_subject
from .entry import from_base64, to_base64
from .errors import MalformedError
from .keys import KEY_OBJECT_BYTES, KeyObject, decode_key_object
from .oin import verify_oin
from .policy import View
from .register import CertificateKeys, Identity, NKey, Oin, Register, Subject
from .signing import SIGNATURE_BYTES, SigningKey
from .subjects import parse_token

MAX_REQUEST_BYTES = 64 * 1024
MAX_STATEMENT_CHARACTERS = 32 * 1024
"""Five certificates in base64, twice encoded, and their signature."""


class WitnessRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cosignature keys of a new witness, in base64 (32 and 1,312 bytes)."""

    ed25519: str
    mldsa44: str

    def verify(self) -> None:
        """Raise ``MalformedError`` unless both are of a key's length, in their one base64 form."""
        if (len(from_base64(self.ed25519, 32)), len(from_base64(self.mldsa44, 1312))) != (32, 1312):
            raise MalformedError("a witness's keys are 32 and 1,312 bytes")


class Succession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The word of an identity of the same party for the one that succeeds it, in base64.

    ``keys`` is the key object that it has in the register, ``signature`` its composite signature over the request.
    """

    keys: str
    signature: str

    def key_object(self) -> KeyObject:
        """The keys of the identity that is succeeded; raises ``MalformedError``."""
        return decode_key_object(from_base64(self.keys, KEY_OBJECT_BYTES))


class KeyRequest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What `seinpost keygen` writes; ``keys`` is the key object in base64, ``machine`` for people only.

    With ``certificate``, a subject, the register names that as its NATS user, and not the NKEY ``nats``;
    ``certificate_keys`` are of the certificates that it connects with. ``statement`` is the key statement.
    """

    party: str
    name: str
    keys: str
    nats: NKey
    oin: Oin | None = None
    machine: Annotated[str, Meta(max_length=100)] | None = None
    witness: WitnessRequest | None = None
    certificate: Subject | None = None
    certificate_keys: CertificateKeys = ()
    statement: Annotated[str, Meta(max_length=MAX_STATEMENT_CHARACTERS)] | None = None
    succeeds: Succession | None = None

    def key_object(self) -> KeyObject:
        """The keys, parsed and verified to be keys; raises ``MalformedError``."""
        keys = decode_key_object(from_base64(self.keys, KEY_OBJECT_BYTES))
        keys.verifying_key()
        keys.verify_kem()
        return keys

    def fingerprint(self) -> bytes:
        """32 bytes over every field, which two people compare by another way before the request counts.

        A field that a request does not have is left out of what is hashed, so that requests of one content
        have one fingerprint, whatever the layout of the file.
        """
        return hashlib.sha256(labels.REQUEST + canonical.encode(self)).digest()

    def unsealed_fingerprint(self) -> bytes:
        """The fingerprint of all but the key statement, which is over it."""
        return msgspec.structs.replace(self, statement=None).fingerprint()

    def succession_message(self, sender_id: bytes) -> bytes:
        """What the identity with a 16-byte sender_id signs for its successor: the request, but for what is over it."""
        own = msgspec.structs.replace(self, statement=None, succeeds=None)
        return labels.SUCCESSION + sender_id + own.fingerprint()

    def succeeding(self, key: SigningKey, keys: KeyObject) -> KeyRequest:
        """The request with the word of the identity that it succeeds."""
        signature = key.sign(self.succession_message(keys.sender_id), labels.SUCCESSION)
        return msgspec.structs.replace(
            self, succeeds=Succession(to_base64(keys.encode()), to_base64(signature))
        )

    def verify_succession(self, register: Register, known: View | None = None) -> Identity | None:
        """The identity of the register whose successor this is, ``None`` when it says nothing of that.

        ``known`` is the directory's newest view, where that can be asked: it knows who revoked itself. Raises
        ``MalformedError`` for one that is not the party's, or is revoked, ``SignatureError`` for a word that it did not
        give.
        """
        if self.succeeds is None:
            return None
        keys = self.succeeds.key_object()
        party = register.party(self.party)
        wanted = keys.keys_hash().hex()
        identities = party.identities if party is not None else ()
        found = next((i for i in identities if i.keys == wanted), None)
        if found is None:
            raise MalformedError(
                f"the request succeeds an identity that the register does not hold for {self.party}"
            )
        if register.revocation(found.sender_id) is not None:
            raise MalformedError(f"{found.name} is revoked: it cannot vouch for a successor")
        if known is not None and known.revocation(found.sender_id) is not None:
            raise MalformedError(f"{found.name} has revoked itself: it cannot vouch for a successor")
        if keys.sender_id == self.key_object().sender_id:
            raise MalformedError(f"{found.name} cannot succeed itself: a successor has a new signing key")
        signature = from_base64(self.succeeds.signature, SIGNATURE_BYTES)
        keys.verifying_key().verify(signature, self.succession_message(keys.sender_id), labels.SUCCESSION)
        return found


def statement_hash(statement: str) -> str:
    """The SHA-256 of a key statement's text, in hexadecimal: what the register names it by."""
    return hashlib.sha256(statement.encode()).hexdigest()


def key_objects(requests: Iterable[KeyRequest]) -> tuple[bytes, ...]:
    """What the directory is to hold of these: identities' key objects. A witness's keys are in the register itself."""
    return tuple(r.key_object().encode() for r in requests if r.witness is None)


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
    if request.oin is not None:
        verify_oin(request.oin)
    if request.witness is not None:
        request.witness.verify()
    if request.certificate is not None:
        parse_subject(request.certificate)
    request.key_object()
    return request
