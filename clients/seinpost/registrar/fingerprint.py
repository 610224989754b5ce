# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Fingerprints that two people compare by voice or on paper."""

from __future__ import annotations

import hashlib


def grouped(hexadecimal: str) -> str:
    """Hexadecimal digits in groups of four."""
    return " ".join(hexadecimal[i : i + 4] for i in range(0, len(hexadecimal), 4))


def key_fingerprint(public: bytes) -> str:
    """The first 16 bytes of the SHA-256 of what is published, in groups of four digits."""
    return grouped(hashlib.sha256(public).hexdigest()[:32])
