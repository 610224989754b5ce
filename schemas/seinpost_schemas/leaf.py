# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Salts, section digests and leaves of a batch (specification, section 6.4).

One SHAKE256 call on a 32-byte seed gives a 32-byte slot per signal and section; slot 4i + j belongs to
signal i and section j: the salt of a present section, the decoy digest of an absent one. A proof
carries the salts that it needs, never a seed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence

from . import labels

SECTIONS = 4
PROTECTED = 3
"""The index of the protected section."""
_SECTION_PREFIXES = tuple(labels.SECTION + bytes((j,)) for j in range(SECTIONS))
_LEAF_PREFIX = b"\x00" + labels.LEAF
_SLOTS = struct.Struct("32s32s32s32s")
_sha256 = hashlib.sha256

Sections = tuple[bytes | None, bytes | None, bytes | None, bytes | None]
"""A signal's four sections, ``None`` where absent."""


def expand_slots(seed: bytes, count: int) -> bytes:
    """128 bytes per signal: four 32-byte slots each, from a 32-byte seed."""
    return hashlib.shake_256(labels.SALTS + seed).digest(32 * SECTIONS * count)


def section_digest(section: int, salt: bytes, data: bytes) -> bytes:
    """d_j = SHA-256(label ‖ j ‖ salt 32 ‖ section bytes), 32 bytes."""
    return _sha256(_SECTION_PREFIXES[section] + salt + data).digest()


def leaf_hash(signal_id: bytes, sender_id: bytes, epoch_id: bytes, digests: Sequence[bytes]) -> bytes:
    """SHA-256(0x00 ‖ label ‖ id 16 ‖ sender_id 16 ‖ epoch_id 16 ‖ d0 ‖ d1 ‖ d2 ‖ d3), 32 bytes."""
    return _sha256(b"".join((_LEAF_PREFIX, signal_id, sender_id, epoch_id, *digests))).digest()


def leaf_hashes(
    signals: Iterable[tuple[bytes, Sections]],
    sender_id: bytes,
    epoch_id: bytes,
    slots: bytes,
    protected_slots: bytes,
    given_d3: Sequence[bytes] | None = None,
) -> tuple[list[bytes], list[bytes]]:
    """(leaf hashes, d3 digests) of a whole batch: the inner loop of sealing and opening.

    ``slots`` and ``protected_slots`` are ``expand_slots`` of the two seeds (the same one without a
    protected part). ``given_d3`` takes the place of d3 for a reader who cannot compute it. Written out
    section by section: a call per digest costs a fifth of sealing.
    """
    sha256 = _sha256
    join, prefix = b"".join, _LEAF_PREFIX
    p0, p1, p2, p3 = _SECTION_PREFIXES
    binding = sender_id + epoch_id
    leaves: list[bytes] = []
    d3s: list[bytes] = []
    rows = zip(signals, _SLOTS.iter_unpack(slots), _SLOTS.iter_unpack(protected_slots), strict=True)
    for i, ((signal_id, (s0, s1, s2, s3)), (d0, d1, d2, _), (_, _, _, d3)) in enumerate(rows):
        if s0 is not None:
            d0 = sha256(p0 + d0 + s0).digest()  # noqa: PLW2901 - the slot is the salt, then the digest
        if s1 is not None:
            d1 = sha256(p1 + d1 + s1).digest()  # noqa: PLW2901
        if s2 is not None:
            d2 = sha256(p2 + d2 + s2).digest()  # noqa: PLW2901
        if given_d3 is not None:
            d3 = given_d3[i]  # noqa: PLW2901
        elif s3 is not None:
            d3 = sha256(p3 + d3 + s3).digest()  # noqa: PLW2901
        leaves.append(sha256(join((prefix, signal_id, binding, d0, d1, d2, d3))).digest())
        d3s.append(d3)
    return leaves, d3s
