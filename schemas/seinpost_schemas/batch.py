# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The plaintext of a sealed body: the main part and the protected part (specification, section 6.3).

Main part: MessagePack ``[seed 32, [[id 16, section 0, section 1, section 2, d3], …]]``, absent ones nil;
d3 stands for every signal when a protected part exists, else for none.
Protected part: ``[seed 32, [[index, section 3], …]]``, indexes rising.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from . import canonical, merkle
from .errors import MalformedError, RootError
from .leaf import PROTECTED, SECTIONS, expand_slots, leaf_hashes, section_digest
from .limits import MAX_BATCH_SIGNALS
from .sections import EncodedSignal
from .uuid7 import verify_id

SEED_BYTES = 32
_Row = tuple[bytes, bytes | None, bytes | None, bytes | None, bytes | None]
_MAIN = canonical.decoder(tuple[bytes, list[_Row]])
_PROTECTED_PART = canonical.decoder(tuple[bytes, list[tuple[int, bytes]]])
_SLOT = 32


class Batch(msgspec.Struct, frozen=True):
    """An encoded batch: two plaintext parts (``protected`` is ``None`` if unused), count and 32-byte root."""

    main: bytes
    protected: bytes | None
    count: int
    root: bytes


class Disclosure(msgspec.Struct, frozen=True):
    """One section of a signal for a proof: its 32-byte salt and bytes; or its digest alone.

    A digest alone is that of a withheld section or the decoy of an absent one: nobody can tell which.
    """

    digest: bytes
    salt: bytes | None = None
    data: bytes | None = None


class OpenedBatch(msgspec.Struct, frozen=True):
    """A batch whose every leaf was recomputed: signals and their 32-byte leaf hashes, in order."""

    signals: list[EncodedSignal]
    leaves: list[bytes]


def encode_batch(
    signals: Sequence[EncodedSignal], sender_id: bytes, epoch_id: bytes, seed: bytes, protected_seed: bytes
) -> Batch:
    """Encode signals and compute their tree; both seeds are 32 random bytes, fresh for each batch."""
    if not 0 < len(signals) <= MAX_BATCH_SIGNALS:
        raise ValueError(f"a batch has 1 to {MAX_BATCH_SIGNALS} signals")
    if len(seed) != SEED_BYTES or len(protected_seed) != SEED_BYTES:
        raise ValueError("a batch seed has 32 bytes")
    if len({s.id for s in signals}) != len(signals):
        # Every reader would refuse the whole batch.
        raise ValueError("a batch holds a signal id once")
    with_protected = any(s.sections[PROTECTED] is not None for s in signals)
    slots = expand_slots(seed, len(signals))
    protected_slots = expand_slots(protected_seed, len(signals)) if with_protected else slots
    leaves, d3s = leaf_hashes(
        [(s.id, s.sections) for s in signals], sender_id, epoch_id, slots, protected_slots
    )
    shown: Sequence[bytes | None] = d3s if with_protected else [None] * len(signals)
    rows = [(s.id, *s.sections[:PROTECTED], d3) for s, d3 in zip(signals, shown, strict=True)]
    protected_rows = [(i, s3) for i, s in enumerate(signals) if (s3 := s.sections[PROTECTED]) is not None]
    return Batch(
        main=canonical.encode((seed, rows)),
        protected=canonical.encode((protected_seed, protected_rows)) if with_protected else None,
        count=len(signals),
        root=merkle.root_hash(leaves),
    )


def decode_batch(
    main: bytes,
    protected: bytes | None,
    *,
    has_protected_part: bool,
    count: int,
    root: bytes,
    sender_id: bytes,
    epoch_id: bytes,
) -> OpenedBatch:
    """Decode decrypted parts, recompute every leaf and compare with the signed root.

    ``protected`` is ``None`` for a reader without ``read-protected``, who verifies the whole from the d3
    in the main part; one with it recomputes each d3. Raises ``MalformedError`` or ``RootError``.
    """
    seed, rows = canonical.decode(_MAIN, main, "main part")
    if len(rows) != count:
        raise MalformedError(f"the main part has {len(rows)} signals where the header says {count}")
    if len(seed) != SEED_BYTES:
        raise MalformedError("a batch seed has 32 bytes")
    slots = expand_slots(seed, count)
    sections3, protected_slots = _decode_protected(protected, count)
    d3s = [row[4] for row in rows]
    present = [d3 for d3 in d3s if d3 is not None]
    if len(present) != (count if has_protected_part else 0) or any(len(d3) != _SLOT for d3 in present):
        raise MalformedError("d3 stands for every signal if a protected part exists, else for none")
    signals = [
        EncodedSignal(signal_id, (s0, s1, s2, sections3.get(i)))
        for i, (signal_id, s0, s1, s2, _) in enumerate(rows)
    ]
    ids = {s.id for s in signals}
    if len(ids) != count:
        raise MalformedError("a signal id stands twice in one batch")
    for i in ids:
        if len(i) != 16 or i[6] >> 4 != 7 or i[8] >> 6 != 2:
            verify_id(i)
    leaves, recomputed = leaf_hashes(
        [(s.id, s.sections) for s in signals],
        sender_id,
        epoch_id,
        slots,
        protected_slots or slots,
        present if has_protected_part and protected is None else None,
    )
    if protected is not None and recomputed != present:
        raise RootError("a protected section is not the one that its digest covers")
    if merkle.root_hash(leaves) != root:
        raise RootError("the signals are not the ones that the batch root covers")
    return OpenedBatch(signals, leaves)


def disclose(
    main: bytes, protected: bytes | None, *, has_protected_part: bool, count: int, number: int
) -> tuple[Disclosure, ...]:
    """The four sections of signal ``number`` of parts that ``decode_batch`` accepted, with their salts."""
    seed, rows = canonical.decode(_MAIN, main, "main part")
    sections3, protected_slots = _decode_protected(protected, count)
    slots = expand_slots(seed, count)
    _, s0, s1, s2, shown_d3 = rows[number]
    found = []
    for section, data in enumerate((s0, s1, s2, sections3.get(number))):
        of = protected_slots if section == PROTECTED and protected_slots is not None else slots
        at = (SECTIONS * number + section) * _SLOT
        slot = of[at : at + _SLOT]
        if section == PROTECTED and has_protected_part and shown_d3 is not None and data is None:
            found.append(Disclosure(shown_d3))
        elif data is None:
            found.append(Disclosure(slot))
        else:
            found.append(Disclosure(section_digest(section, slot, data), slot, data))
    return tuple(found)


def _decode_protected(protected: bytes | None, count: int) -> tuple[dict[int, bytes], bytes | None]:
    if protected is None:
        return {}, None
    seed, rows = canonical.decode(_PROTECTED_PART, protected, "protected part")
    if len(seed) != SEED_BYTES:
        raise MalformedError("a batch seed has 32 bytes")
    indexes = [i for i, _ in rows]
    if not rows or indexes != sorted(set(indexes)) or indexes[0] < 0 or indexes[-1] >= count:
        raise MalformedError("the protected part's indexes rise and lie within the batch")
    return dict(rows), expand_slots(seed, count)
