# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Whose cosignatures count under a register: witnesses with a mandate for the log (specification, section 8.7).

A cosignature counts by the time that it carries itself, so that one note counts the same for everyone and for
ever: brokers when they gather, readers at once, auditors years later. A witness whose mandate has ended could
only backdate, and the age of a checkpoint is the k-th highest of these very times.

The quorum k is above (n + f) / 2 for the n witnesses that the register lists; of a log that fewer may witness,
k of those few still share an honest witness with any other k. Too few for k is a standstill, never a lie:
``shortages`` finds it before it comes.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from .checkpoint import Checkpoint
from .compartment import Compartment, all_compartments
from .cosignature import cosigned
from .errors import MalformedError, QuorumError, RefusedError
from .kinds import Action
from .note import Note
from .policy import mandate_under
from .register import Register, WitnessEntry
from .subjects import admission_origin, directory_origin, witness_key_name


def may_witness(register: Register, witness: WitnessEntry, origin: str, at_ms: int) -> bool:
    """Whether a witness's cosignature on a log counts that was made at ``at_ms`` (Unix milliseconds).

    Of a compartment's log with a mandate to witness that compartment; of the directory and of the admission
    log with one for any. What is no log of the enclave, nobody may witness.
    """
    party = register.party(witness.party)
    if party is None:
        return False
    for compartment in _compartments(register, origin):
        try:
            mandate_under(register, party, Action.WITNESS, compartment, at_ms)
        except RefusedError:
            continue
        return True
    return False


def _compartments(register: Register, origin: str) -> list[Compartment]:
    if origin in (directory_origin(register.enclave), admission_origin(register.enclave)):
        return all_compartments(register.ceiling_level)
    enclave, _, log = origin.partition("/")
    _, _, compartment = log.partition("/")
    try:
        return [Compartment.parse(compartment)] if enclave == register.enclave else []
    except MalformedError:
        return []


def witnesses_at(register: Register, origin: str, at_ms: int) -> list[WitnessEntry]:
    """The witnesses whose cosignature on this log would count now: those to ask."""
    return [w for w in register.witnesses if may_witness(register, w, origin, at_ms)]


def witnesses_of_any(register: Register, at_ms: int) -> list[WitnessEntry]:
    """The witnesses that may cosign some log now: those that are let in. The directory asks for no more."""
    return witnesses_at(register, directory_origin(register.enclave), at_ms)


def counted(register: Register, note: Note, checkpoint: Checkpoint) -> dict[str, int]:
    """The timestamps, Unix seconds by witness key name, of the cosignatures that count.

    Raises ``SignatureError`` for a line of a listed witness that fails, whether it would count or not.
    """
    return counting(register, cosigned(note, checkpoint, register.cosigners), checkpoint.origin)


def counting(register: Register, found: dict[str, int], origin: str) -> dict[str, int]:
    """Of verified cosignatures on a log, by witness key name with their timestamps, those that count."""
    entries = {witness_key_name(register.enclave, w.name): w for w in register.witnesses}
    return {
        name: timestamp
        for name, timestamp in found.items()
        if may_witness(register, entries[name], origin, timestamp * 1000)
    }


def verify_witnessed(register: Register, note: Note, checkpoint: Checkpoint) -> int:
    """The k-th highest timestamp that counts, Unix seconds; raises ``QuorumError`` when fewer than k do.

    With quorum 0 there is nothing that a witness has said: raises too.
    """
    return quorum_timestamp(register, counted(register, note, checkpoint), checkpoint.origin)


def quorum_timestamp(register: Register, counting: dict[str, int], origin: str) -> int:
    """As ``verify_witnessed``, of cosignatures that were found to count."""
    stamps = sorted(counting.values(), reverse=True)
    if register.quorum < 1 or len(stamps) < register.quorum:
        raise QuorumError(
            f"{len(stamps)} witnesses that may cosign {origin} did; {register.quorum} are needed"
        )
    return stamps[register.quorum - 1]


def looks_made_under(register: Register, note: Note) -> bool:
    """Whether a note's witness lines are those that a quorum of this register's witnesses would leave.

    Not a verification: what does not look like it may be made under another version, which is then to be looked for.
    """
    prefix = witness_key_name(register.enclave, "")
    lines = {s.name for s in note.signatures if s.name.startswith(prefix)}
    known = {prefix + w.name for w in register.witnesses}
    return lines <= known and len(lines) >= register.quorum


class Shortage(msgspec.Struct, frozen=True):
    """At ``at_ms`` (Unix milliseconds) ``left`` witnesses may cosign these logs, fewer than the quorum."""

    at_ms: int
    left: int
    logs: tuple[str, ...]

    def sentence(self, quorum: int) -> str:
        """What it means, and what to do."""
        since = dt.datetime.fromtimestamp(self.at_ms / 1000, dt.UTC)
        return (
            f"at {since:%Y-%m-%d %H:%M}Z {self.left} witnesses may cosign {', '.join(self.logs)}, and {quorum} must: "
            "nothing is published or audited there until that is put right. Give a witness a mandate for that "
            "time, or add one (seinpost keygen --witness-of, seinpost register add)"
        )


def shortages(register: Register, now_ms: int) -> list[Shortage]:
    """When, from ``now_ms`` until the register expires, a log has fewer witnesses than the quorum; earliest first."""
    if not register.quorum:
        return []
    parties = {w.party for w in register.witnesses}
    mandates = [m for p in register.parties if p.token in parties for m in p.mandates]
    moments = {int(t.timestamp() * 1000) for m in mandates for t in (m.starts, m.until) if t is not None}
    end_ms = int(register.expires.timestamp() * 1000)
    logs = {
        str(c): f"{register.enclave}/{register.periods.current}/{c}"
        for c in all_compartments(register.ceiling_level)
    }
    logs["directory"] = directory_origin(register.enclave)
    found: list[Shortage] = []
    for at_ms in sorted({now_ms} | {m for m in moments if now_ms < m < end_ms}):
        counts = {name: len(witnesses_at(register, origin, at_ms)) for name, origin in logs.items()}
        least = min(counts.values())
        if least < register.quorum:
            short = tuple(sorted(n for n, count in counts.items() if count < register.quorum))
            found.append(Shortage(at_ms, least, short))
    return found
