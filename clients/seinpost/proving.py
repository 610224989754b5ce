# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Making a proof of one audited signal from what this reader verified itself."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from seinpost_schemas.batch import Disclosure
from seinpost_schemas.checkpoint import parse_checkpoint
from seinpost_schemas.directory_material import DirectoryItem, directory_item
from seinpost_schemas.entry import ENTRY_HEADER, parse_feed_headers, to_base64
from seinpost_schemas.envelope import assemble_envelope
from seinpost_schemas.errors import GapError, MalformedError, SplitViewError, UnavailableError
from seinpost_schemas.header import object_hash, verify_body
from seinpost_schemas.leaf import PROTECTED
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import parse_note
from seinpost_schemas.signal_proof import (
    FORMAT,
    BatchPart,
    DirectoryPart,
    LogPart,
    SectionPart,
    SignalPart,
    SignalProof,
    disclosed,
    verify_signal_proof,
    withheld,
)
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    DIRECTORY_STREAM,
    checkpoint_subject,
    direct_get_subject,
    directory_origin,
    feed_stream,
    log_origin,
    parse_feed_stream,
)
from seinpost_schemas.tlog_proof import TlogProof
from seinpost_schemas.uuid7 import format_id

from ._audit import AuditState
from ._directory import DirectoryFollower
from ._keyring import Keyring
from ._reading_state import Place, ReadingState
from ._transport import Transport
from .epochs import EpochSecrets
from .sealing import disclose_signal, open_verified

SECTION_NAMES = ("handling", "report", "indicators", "protected")


def parse_sections(names: Collection[str] | None) -> set[int] | None:
    """The numbers of named sections; ``None`` stays so. Raises ``MalformedError`` with the names there are."""
    if names is None:
        return None
    unknown = [n for n in names if n not in SECTION_NAMES]
    if unknown or not names:
        raise MalformedError(
            f"{(unknown or ['nothing'])[0]!r} is no section; choose from {', '.join(SECTION_NAMES)}"
        )
    return {SECTION_NAMES.index(n) for n in names}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that the verification of one signal needs, gathered and not verified."""

    proof: SignalProof
    """Without a ``.tlog-proof`` while no checkpoint with a quorum covers the signal."""
    previous: bytes | None
    """The object hash of what its sender sent before it in its compartment, as received; ``None`` if nothing was."""
    tree_size: int
    """The entries of its log below that checkpoint; 0 while there is none."""
    own_root: bytes
    """The root hash recomputed from exactly those entries as they were received; empty while there is none."""


async def prove(
    directory: DirectoryFollower,
    transport: Transport,
    reading: ReadingState,
    keyring: Keyring,
    place: Place,
    sections: set[int] | None,
) -> SignalProof:
    """A proof of the signal at ``place`` that discloses ``sections`` (0 to 3), verified before it is returned.

    ``None`` is all that there is but the protected one.

    Raises ``UnavailableError`` while the signal is pending (nothing is proven that a quorum has not seen), or when
    its keys are gone.
    """
    proof = (await gather_evidence(directory, transport, reading, keyring, place, sections)).proof
    if not proof.log.proof:
        raise UnavailableError(
            "the signal is pending: no checkpoint with a quorum covers it yet; try again in a moment"
        )
    verify_signal_proof(proof, directory.directory.enclave_id)
    return proof


async def gather_evidence(
    directory: DirectoryFollower,
    transport: Transport,
    reading: ReadingState,
    keyring: Keyring,
    place: Place,
    sections: set[int] | None,
) -> Evidence:
    """What leads from the enclave_id to the signal at ``place``; its envelope is asked of the broker once more.

    Raises ``SplitViewError`` when the broker now gives another one, ``InvalidError`` when it does not open.
    """
    register = directory.view.register
    period, compartment = parse_feed_stream(place.stream)
    found = await transport.read_from(place.stream, place.index + 1, 1)
    if not found or found[0].seq != place.index + 1:
        raise UnavailableError(f"{place.stream} does not give entry {place.index}; try again")
    entry, _, signature = parse_feed_headers(dict(found[0].headers))
    known = reading.entry(place.stream, place.index)
    if known is None or object_hash(entry.header_bytes) != known.object_hash:
        raise SplitViewError(f"{place.stream} gives another entry {place.index} than was verified before")
    envelope = assemble_envelope(entry.header_bytes, signature, found[0].body)
    verify_body(envelope.header, envelope.body)
    stored = keyring.load_epoch(place.epoch_id)
    if stored is None:
        raise UnavailableError("the keys that opened this signal are no longer held here")
    secrets = msgspec.msgpack.decode(stored, type=EpochSecrets)
    batch = MerkleTree.of(b"".join(open_verified(envelope, secrets).leaves))
    parts = disclose_signal(envelope, secrets, place.number)
    if sections is None:
        sections = {n for n in range(PROTECTED) if parts[n].data is not None}
    if missing := [SECTION_NAMES[n] for n in sorted(sections) if parts[n].data is None]:
        raise MalformedError(f"this signal has no section {missing[0]} that this identity can read")
    tlog, tree = _tlog_proof(reading, place, log_origin(register.enclave, period, compartment))
    proof = SignalProof(
        format=FORMAT,
        enclave=directory.directory.enclave_id.hex(),
        directory=await _directory_part(directory, transport),
        log=LogPart(
            period=period,
            header=to_base64(entry.header_bytes),
            signature=to_base64(signature),
            admitted_ms=entry.admitted_ms,
            directory_size=entry.directory_size,
            proof=tlog.encode().decode() if tlog is not None else "",
        ),
        batch=BatchPart(
            number=place.number, path=tuple(to_base64(h) for h in batch.inclusion_proof(place.number))
        ),
        signal=SignalPart(id=format_id(place.signal_id), sections=_sections(parts, sections)),
    )
    return Evidence(
        proof=proof,
        previous=_previous(directory, reading, place, envelope.header.sender_id),
        tree_size=tree.size,
        own_root=tree.root() if tlog is not None else b"",
    )


def _previous(
    directory: DirectoryFollower, reading: ReadingState, place: Place, sender_id: bytes
) -> bytes | None:
    """The envelope before this one in its sender's chain, which goes on from one period's log into the next."""
    period, compartment = parse_feed_stream(place.stream)
    below: int | None = place.index
    before: str | None = period
    while before is not None:
        found = reading.newest_of(feed_stream(before, compartment), sender_id, below)
        if found is not None:
            return found
        before, below = directory.directory.period_before(before), None
    return None


def _tlog_proof(reading: ReadingState, place: Place, origin: str) -> tuple[TlogProof | None, MerkleTree]:
    """The proof of the entry, and the tree of what was received; without one while the signal is pending."""
    stored = reading.load_audit(origin)
    state = msgspec.msgpack.decode(stored, type=AuditState) if stored is not None else None
    if state is None or state.audited_size <= place.index or not state.note:
        return None, MerkleTree()
    checkpoint = parse_checkpoint(parse_note(state.note))
    leaves = reading.leaves(place.stream, checkpoint.tree_size)
    if len(leaves) != checkpoint.tree_size:
        raise GapError(
            "this log was not read whole: an entry was refused, so no path through it can be shown"
        )
    tree = MerkleTree.of(b"".join(leaves))
    return TlogProof(place.index, tuple(tree.inclusion_proof(place.index)), state.note), tree


async def _directory_part(directory: DirectoryFollower, transport: Transport) -> DirectoryPart:
    origin = directory_origin(directory.view.register.enclave)
    note = await transport.read_last(direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin)))
    if note is None:
        raise UnavailableError("no checkpoint of the directory is published; try again")
    size = parse_checkpoint(parse_note(note)).tree_size
    entries: list[DirectoryItem] = []
    while len(entries) < size:
        found = await transport.read_from(DIRECTORY_STREAM, len(entries) + 1)
        if not found:
            raise UnavailableError("the directory has fewer entries than its checkpoint; try again")
        entries += [directory_item(m.headers[ENTRY_HEADER], m.body) for m in found]
    return DirectoryPart(note=note.decode(), entries=tuple(entries[:size]))


def _sections(parts: tuple[Disclosure, ...], chosen: set[int]) -> tuple[SectionPart, ...]:
    return tuple(disclosed(p) if n in chosen else withheld(p) for n, p in enumerate(parts))
