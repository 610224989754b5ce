# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A self-contained proof of one audited signal, or of some of its sections (specification, section 8.9).

JSON with every byte string in base64. It holds what leads from the enclave_id to the sections it discloses: the
directory with its cosigned checkpoint → the sender's keys and mandate → the signed header → the log entry in
a cosigned checkpoint → the signal's leaf in the batch root → the sections. A section that is not disclosed is a
digest; nobody can tell whether it is withheld or absent.

What it proves: this party signed these sections in this compartment, and the log holds that. Not who may see it, and
not what was said of it since: that the identity was revoked is in it up to its directory, that the signal was taken
back never.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .batch import Disclosure
from .checkpoint import Checkpoint, LogPublicKeys, verify_checkpoint
from .compartment import Compartment
from .directory import TrustedDirectory, log_keys_of
from .directory_material import DirectoryItem, verify_directory_material
from .entry import Entry, from_base64, signature_hash, to_base64
from .errors import BindingError, MalformedError, ProofError, SignatureError
from .header import HEADER_BYTES, Header, decode_header, verify_enclave
from .kinds import SEALED
from .labels import kind_context
from .leaf import SECTIONS, section_digest
from .leaf import leaf_hash as signal_leaf_hash
from .limits import MAX_SIGNAL_BYTES
from .merkle import HASH_BYTES, leaf_hash, verify_inclusion
from .note import parse_note
from .policy import Member, View, suspicion, verify_not_expired
from .quorum import counted, quorum_timestamp, verify_witnessed
from .register import Hex16, Mandate, Register, Revocation
from .rights import verify_sender_rights
from .signing import SIGNATURE_BYTES
from .subjects import directory_origin, log_origin, parse_period
from .tlog_proof import decode_tlog_proof
from .uuid7 import parse_id

FORMAT = "seinpost-proof/1"
MAX_PROOF_BYTES = 64 * 1024 * 1024
_Hashes = Annotated[tuple[str, ...], Meta(max_length=63)]


class _Object(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A JSON object: unknown keys are refused."""


class DirectoryPart(_Object, frozen=True, kw_only=True):
    """The directory up to a cosigned checkpoint."""

    note: str
    entries: tuple[DirectoryItem, ...]


class LogPart(_Object, frozen=True, kw_only=True):
    """The envelope's header and signature, its entry's other fields, and the ``.tlog-proof`` of that entry."""

    period: str
    header: str
    signature: str
    admitted_ms: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    directory_size: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    proof: str


class BatchPart(_Object, frozen=True, kw_only=True):
    """The signal's place among those that were signed together, and its path to their root."""

    number: Annotated[int, Meta(ge=0, lt=1 << 16)]
    path: _Hashes


class SectionPart(_Object, frozen=True, kw_only=True):
    """A disclosed section (salt and data), or the digest of one that is not."""

    digest: str | None = None
    salt: str | None = None
    data: str | None = None


class SignalPart(_Object, frozen=True, kw_only=True):
    """The signal's id and four sections."""

    id: str
    sections: Annotated[tuple[SectionPart, ...], Meta(min_length=SECTIONS, max_length=SECTIONS)]


class SignalProof(_Object, frozen=True, kw_only=True):
    """The file."""

    format: str
    enclave: Hex16
    directory: DirectoryPart
    log: LogPart
    batch: BatchPart
    signal: SignalPart

    def encode(self) -> bytes:
        """JSON, indented, ending in a newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof that holds says. ``sections`` holds the bytes of those that are disclosed, else ``None``."""

    enclave_id: bytes
    enclave: str
    register_version: int
    party: str
    identity: str
    sender_id: bytes
    compartment: Compartment
    period: str
    kind: int
    index: int
    tree_size: int
    admitted_ms: int
    created_ms: int
    timestamp: int
    """Unix seconds: the k-th highest cosignature's, or the log's own without witnesses."""
    witnesses: tuple[str, ...]
    signal_id: bytes
    sections: tuple[bytes | None, ...]
    revocation: Revocation | None
    """The one in the proof's own directory that makes the signal suspect: its party may not have made it."""
    directory_timestamp: int
    """Unix seconds by which that directory was seen, as ``timestamp``: later revocations are not in it."""


_DECODER = msgspec.json.Decoder(SignalProof, strict=True)


def decode_signal_proof(data: bytes) -> SignalProof:
    """Raises ``MalformedError``; nothing is verified yet."""
    if len(data) > MAX_PROOF_BYTES:
        raise MalformedError(f"a proof of {len(data)} bytes is over the limit of {MAX_PROOF_BYTES}")
    try:
        proof = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("not a proof of a signal, or it was changed") from None
    if proof.format != FORMAT:
        raise MalformedError(f"a proof of another format than {FORMAT}")
    return proof


def disclosed(disclosure: Disclosure) -> SectionPart:
    """A section to show."""
    if disclosure.salt is None or disclosure.data is None:
        return withheld(disclosure)
    return SectionPart(salt=to_base64(disclosure.salt), data=to_base64(disclosure.data))


def withheld(disclosure: Disclosure) -> SectionPart:
    """A section that is not to be seen: as an absent one would look."""
    return SectionPart(digest=to_base64(disclosure.digest))


def verify_signal_proof(proof: SignalProof, enclave_id: bytes | None = None) -> Proven:
    """What the proof proves, from the enclave_id down; raises an ``InvalidError`` or ``RefusedError``.

    Without ``enclave_id``, whoever asks compares ``Proven.enclave_id`` with the one that is published.
    """
    steps = ProofSteps(proof, enclave_id)
    register = steps.verify_directory()
    member = steps.verify_signature()
    steps.verify_mandate()
    covering = steps.verify_checkpoint()
    timestamp, witnesses = steps.verify_quorum()
    index = steps.verify_inclusion()
    signal_id, sections = steps.verify_sections()
    header, admitted_ms = steps.header, steps.entry.admitted_ms
    log = f"{proof.log.period}/{header.compartment}"
    return Proven(
        enclave_id=bytes.fromhex(proof.enclave),
        enclave=register.enclave,
        register_version=steps.view.register.version,
        party=member.party.token,
        identity=member.identity.name,
        sender_id=header.sender_id,
        compartment=header.compartment,
        period=proof.log.period,
        kind=header.kind,
        index=index,
        tree_size=covering.tree_size,
        admitted_ms=admitted_ms,
        created_ms=header.created_ms,
        timestamp=timestamp,
        witnesses=witnesses,
        signal_id=signal_id,
        sections=sections,
        revocation=suspicion(steps.directory.current, header.sender_id, log, index, admitted_ms),
        directory_timestamp=steps.directory_timestamp,
    )


class ProofSteps:
    """The same verification one step after another, for whoever shows each: in the order of the methods.

    Each raises an ``InvalidError`` or ``RefusedError``; what it leaves here is verified. Nothing is proven
    before the last one has returned.
    """

    directory: TrustedDirectory
    directory_timestamp: int
    header: Header
    entry: Entry
    view: View
    member: Member
    checkpoint: Checkpoint

    def __init__(self, proof: SignalProof, enclave_id: bytes | None = None) -> None:
        self._proof = proof
        self._root = bytes.fromhex(proof.enclave)
        if enclave_id is not None and self._root != enclave_id:
            raise BindingError("the proof is of another enclave")

    def verify_directory(self) -> Register:
        """The register in force, at the end of the directory that leads from the enclave_id to it."""
        self.directory = directory = verify_directory_material(self._proof.directory.entries, self._root)
        self._register = register = directory.current.register
        note = self._proof.directory.note.encode()
        checkpoint, self.directory_timestamp = _signed(note, directory_origin(register.enclave), register)
        if register.quorum:
            self.directory_timestamp = verify_witnessed(register, parse_note(note), checkpoint)
        if (checkpoint.tree_size, checkpoint.root_hash) != (directory.size, directory.root()):
            raise SignatureError("the directory in the proof is not the one that was signed")
        return register

    def verify_signature(self) -> Member:
        """Who signed the envelope, by the keys in the directory at the size in its entry."""
        header, self.entry = _entry(self._proof.log)
        verify_enclave(header, self._root)
        if header.kind not in SEALED:
            raise BindingError(f"an envelope of kind {header.kind} holds no signals")
        view = self.directory.view_at(self.entry.directory_size)
        if view is None or self.entry.directory_size > self.directory.size:
            raise ProofError("the proof's directory ends before the log entry's")
        member = view.member(header.sender_id)
        signature = from_base64(self._proof.log.signature, SIGNATURE_BYTES)
        member.verifying.verify(signature, self.entry.header_bytes, kind_context(header.kind))
        self.header, self.view, self.member = header, view, member
        return member

    def verify_mandate(self) -> Mandate:
        """The mandate under which it was admitted, at the directory size in its entry."""
        verify_not_expired(self.view.register, self.entry.admitted_ms)
        return verify_sender_rights(self.view, self.member, self.header, self.entry.admitted_ms)

    def verify_checkpoint(self) -> Checkpoint:
        """The checkpoint of its log that both of the log's own signatures stand under."""
        register, period = self._register, parse_period(self._proof.log.period)
        self._tlog = decode_tlog_proof(self._proof.log.proof.encode())
        origin = log_origin(register.enclave, period, self.header.compartment)
        self.checkpoint, self._log_timestamp = _signed(self._tlog.note, origin, register)
        return self.checkpoint

    def verify_quorum(self) -> tuple[int, tuple[str, ...]]:
        """(Unix seconds by which a quorum had seen that checkpoint, the names of all who cosigned it)."""
        register, note = self._register, parse_note(self._tlog.note)
        timestamp = self._log_timestamp
        stamps = counted(register, note, self.checkpoint)
        if register.quorum:
            timestamp = quorum_timestamp(register, stamps, self.checkpoint.origin)
        return timestamp, tuple(sorted(stamps))

    def verify_inclusion(self) -> int:
        """The place of its entry in the tree that the checkpoint is about."""
        leaf = leaf_hash(self.entry.encode())
        self._tlog.verify(leaf, self.checkpoint.tree_size, self.checkpoint.root_hash)
        return self._tlog.index

    def verify_sections(self) -> tuple[bytes, tuple[bytes | None, ...]]:
        """(signal id, sections) whose leaf is in the batch root that the envelope's signature covers."""
        return _signal(self._proof, self.header)


def _signed(data: bytes, origin: str, register: Register) -> tuple[Checkpoint, int]:
    return verify_checkpoint(data, origin, LogPublicKeys(*log_keys_of(register)))


def _entry(part: LogPart) -> tuple[Header, Entry]:
    header_bytes = from_base64(part.header, HEADER_BYTES)
    signature = from_base64(part.signature, SIGNATURE_BYTES)
    entry = Entry(part.admitted_ms, part.directory_size, header_bytes, signature_hash(signature))
    return decode_header(header_bytes), entry


def _signal(proof: SignalProof, header: Header) -> tuple[bytes, tuple[bytes | None, ...]]:
    """(signal id, sections) whose leaf is in the signed batch root."""
    signal_id = parse_id(proof.signal.id)
    digests: list[bytes] = []
    sections: list[bytes | None] = []
    for number, part in enumerate(proof.signal.sections):
        given = (part.digest is not None, part.salt is not None, part.data is not None)
        if given == (True, False, False):
            digests.append(_hash(part.digest or ""))
            sections.append(None)
        elif given == (False, True, True):
            data = from_base64(part.data or "", MAX_SIGNAL_BYTES)
            digests.append(section_digest(number, _hash(part.salt or ""), data))
            sections.append(data)
        else:
            raise MalformedError("a section of a proof has a salt and data, or a digest alone")
    leaf = signal_leaf_hash(signal_id, header.sender_id, header.epoch_id, digests)
    path = tuple(_hash(h) for h in proof.batch.path)
    verify_inclusion(leaf, proof.batch.number, header.count, path, header.batch_root)
    return signal_id, tuple(sections)


def _hash(text: str) -> bytes:
    hash_ = from_base64(text, HASH_BYTES)
    if len(hash_) != HASH_BYTES:
        raise MalformedError("a hash or salt in a proof has 32 bytes")
    return hash_
