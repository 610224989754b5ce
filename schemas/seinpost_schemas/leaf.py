# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Salts, section digests and leaves of a batch (specification, section 6.4).

One SHAKE256 call on a 32-byte seed gives a 32-byte slot per signal and section; slot 4i + j belongs to
signal i and section j: the salt of a present section, the decoy digest of an absent one. A proof
carries the salts that it needs, never a seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from . import labels

SECTIONS = 4
PROTECTED = 3
"""The index of the protected section."""
_SECTION_PREFIXES = tuple(labels.SECTION + bytes((j,)) for j in range(SECTIONS))
_LEAF_PREFIX = b"\x00" + labels.LEAF
_sha256 = hashlib.sha256


def expand_slots(seed: bytes, count: int) -> bytes:
    """128 bytes per signal: four 32-byte slots each, from a 32-byte seed."""
    return hashlib.shake_256(labels.SALTS + seed).digest(32 * SECTIONS * count)


def section_digest(section: int, salt: bytes, data: bytes) -> bytes:
    """d_j = SHA-256(label ‖ j ‖ salt 32 ‖ section bytes), 32 bytes."""
    return _sha256(_SECTION_PREFIXES[section] + salt + data).digest()


def leaf_hash(signal_id: bytes, sender_id: bytes, epoch_id: bytes, digests: Sequence[bytes]) -> bytes:
    """SHA-256(0x00 ‖ label ‖ id 16 ‖ sender_id 16 ‖ epoch_id 16 ‖ d0 ‖ d1 ‖ d2 ‖ d3), 32 bytes."""
    return _sha256(b"".join((_LEAF_PREFIX, signal_id, sender_id, epoch_id, *digests))).digest()
