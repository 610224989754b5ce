# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The hypothesis profile of these tests, and the mutations that they share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

settings.register_profile(
    "seinpost", deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("seinpost")

Mangle = Callable[[st.SearchStrategy[bytes]], st.SearchStrategy[bytes]]


@st.composite
def _mangled(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """Valid bytes after one to three changes: a bit, a byte, a cut, an insertion, a repetition."""
    data = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(["bit", "byte", "cut", "insert", "repeat", "end"]))
        if change == "bit" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif change == "byte" and at < len(data):
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xC0, 0xC4, 0xCC, 0xD9, 0xDE, 0xFF]))
        elif change == "cut":
            del data[at : at + draw(st.integers(1, 8))]
        elif change == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif change == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 32))]
        else:
            del data[at:]
    return bytes(data)


@pytest.fixture(scope="session")
def mangle() -> Mangle:
    """Valid bytes, changed a little: nearer to what decoders must tell apart than random bytes are."""
    return lambda valid: st.one_of(_mangled(valid), valid, st.binary(max_size=64))
