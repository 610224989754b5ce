# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Certificates in PEM files."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from seinpost_schemas.errors import SetupError

from ._files import read_bounded

MAX_BYTES = 256 * 1024
MAX_CRL_BYTES = 16 * 1024 * 1024


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


def read_crls(path: Path) -> list[x509.CertificateRevocationList]:
    """Every list of revoked certificates in a file, in PEM or one in DER; raises ``SetupError``."""
    data = read_bounded(path, MAX_CRL_BYTES)
    end = b"-----END X509 CRL-----"
    try:
        if len(data) > MAX_CRL_BYTES:
            raise ValueError
        if end not in data:
            return [x509.load_der_x509_crl(data)]
        return [x509.load_pem_x509_crl(part + end) for part in data.split(end)[:-1]]
    except ValueError:
        raise SetupError(f"{path} holds no list of revoked certificates") from None


def read_sealing_key(path: Path, passphrase: str | None) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """The key of a certificate that seals; raises ``SetupError``, also when others may read the file."""
    data = read_bounded(path, MAX_BYTES)
    try:
        if path.stat().st_mode & 0o077:
            raise SetupError(f"{path} can be read by others: run 'chmod 600 {path}'")
        key = load_pem_private_key(data, passphrase.encode() if passphrase is not None else None)
    except TypeError:
        which = "needs no passphrase" if passphrase is not None else "needs its passphrase"
        raise SetupError(f"{path} {which}; nothing was written") from None
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise SetupError(f"{path} is not a private key in PEM, or the passphrase is wrong") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SetupError(f"{path} is neither an RSA key nor one on P-256")
    return key
