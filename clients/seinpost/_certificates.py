# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Certificates in PEM files."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from seinpost_schemas.errors import SetupError

from ._files import read_bounded

MAX_BYTES = 256 * 1024


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Every certificate in a file, one at least; raises ``SetupError``."""
    data = read_bounded(path, MAX_BYTES)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise SetupError(f"{path} holds no certificates in PEM; nothing was written") from None


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate in a file: its holder's, before those of its issuers."""
    return read_certificates(path)[0]
