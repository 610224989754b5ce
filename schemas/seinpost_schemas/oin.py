# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Organisatie-identificatienummers: 20 positions, as the OIN-stelsel of Logius composes them (chapter 6).

A prefix of 8 digits that names the number's source, a main number of 9 positions (or 8, then one zero more), which
may be alphanumeric, and three zeros.
"""

from __future__ import annotations

import re

from .errors import MalformedError

TEST_PREFIX = "00000099"
"""Free for everyone, and nobody's: never in production."""
SOURCES = {
    "00000001": "RSIN",
    "00000002": "Fi-nummer",
    "00000003": "KvK-nummer",
    "00000004": "SubOIN",
    "00000006": "Logius OIN",
    "00000007": "BRIN-nummer",
    "00000008": "buitenlands nummer",
    "00000009": "Dezi-nummer zorgaanbieder",
    "00000010": "TRR-BD-nummer",
    "00000011": "Dezi-nummer zorgverzekeraar",
    TEST_PREFIX: "test-OIN",
}
"""The prefix table of the OIN-stelsel; 00000005 is not given out."""
_FORM = re.compile(r"[0-9]{8}[0-9A-Z]{9}000")
_KVK = "00000003"


def verify_oin(oin: str) -> None:
    """Raise ``MalformedError``, which says what an OIN is made of, unless ``oin`` is one."""
    if _FORM.fullmatch(oin) is None:
        raise MalformedError(
            "an OIN has 20 positions: a prefix of 8 digits, a main number of 9 capitals or digits, and 000"
        )
    if oin[:8] not in SOURCES:
        raise MalformedError(f"an OIN does not begin with {oin[:8]}; the prefixes are {', '.join(SOURCES)}")
    if oin.startswith(_KVK) and (not oin[8:16].isdigit() or oin[16] != "0"):
        raise MalformedError("an OIN with a KvK-nummer has its 8 digits and then 0000")


def verify_real(oin: str) -> None:
    """Raise ``MalformedError`` for a test OIN: it says of nobody who they are."""
    if oin.startswith(TEST_PREFIX):
        raise MalformedError(f"{oin} is a test OIN: a production register has real ones")
