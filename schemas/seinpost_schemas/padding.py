# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Padding of plaintexts to size buckets: Padmé (Nikitin et al., PURBs, 2019, section 4).

Padded form: length 4 ‖ content ‖ zeros, to the bucket's size. Padmé leaks O(log log n) bits of the
length at an overhead of at most 12 %; below 256 bytes everything looks alike.
"""

from __future__ import annotations

from .errors import MalformedError
from .limits import MIN_BUCKET_BYTES

_PREFIX_BYTES = 4


def bucket_size(length: int) -> int:
    """The padded size, in bytes, of ``length`` bytes."""
    if length <= MIN_BUCKET_BYTES:
        return MIN_BUCKET_BYTES
    exponent = length.bit_length() - 1
    mantissa_bits = exponent.bit_length()
    mask = (1 << (exponent - mantissa_bits)) - 1
    return (length + mask) & ~mask


def pad(content: bytes) -> bytes:
    """``content`` in its bucket."""
    return b"".join(pad_pieces(content))


def pad_pieces(content: bytes) -> tuple[bytes, bytes, bytes]:
    """``pad`` as (prefix 4, content, fill): a large content is not copied."""
    length = _PREFIX_BYTES + len(content)
    return len(content).to_bytes(4, "big"), content, bytes(bucket_size(length) - length)


def unpad(padded: bytes) -> bytes:
    """The content of a padded plaintext; raises ``MalformedError`` for a wrong bucket or non-zero fill."""
    if len(padded) < MIN_BUCKET_BYTES:
        raise MalformedError("a padded part is shorter than the smallest bucket")
    end = _PREFIX_BYTES + int.from_bytes(padded[:4], "big")
    if end > len(padded) or bucket_size(end) != len(padded):
        raise MalformedError("a padded part is not in the bucket of its length")
    if padded.count(0, end) != len(padded) - end:
        raise MalformedError("the padding is not all zeros")
    return padded[_PREFIX_BYTES:end]
