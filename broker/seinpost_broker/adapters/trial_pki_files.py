# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A trial PKI on disk: certificates and keys in PEM, keys at mode 0600.

ca.pem                    the two roots: what clients, servers and registrars trust in a trial
tls-sys.crt, .key         the issuing CA of servers, with the CAs above it; its key
other-lp.crt, .key        that of organisations
crl.pem                   what was revoked of either, once something was
<name>.crt, .key          an end certificate with the CAs above it but the root; its key
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from seinpost_broker.adapters.enclave_dir import EnclaveDir
from seinpost_broker.core.trial_pki import Authority, Issued, found_hierarchy, issue_crl
from seinpost_schemas.errors import SetupError

TLS, OTHER = "tls-sys", "other-lp"
CA_FILE = "ca.pem"
CRL_FILE = "crl.pem"
_HIERARCHIES = {TLS: "TLS SYS", OTHER: "Other LP"}


class TrialPkiFiles:
    """Reads and writes one trial PKI's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = EnclaveDir(path)

    def found(self, now: dt.datetime) -> None:
        """Make both hierarchies; raises ``SetupError`` for a directory that is not empty."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise SetupError(f"{self.path} is not empty: choose a new directory, nothing was changed")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        roots = b""
        for name, what in _HIERARCHIES.items():
            authority = found_hierarchy(what, now)
            _store(self._files, name, authority.chain, authority.key)
            roots += authority.chain[-1].public_bytes(Encoding.PEM)
        self._files.write(CA_FILE, roots)

    def issue(
        self, name: str, hierarchy: str, make: Callable[[Authority], Issued], *, into: Path | None = None
    ) -> tuple[Path, Path]:
        """Issue a certificate as ``make`` says, under ``name`` (in another directory); (certificate file, key file)."""
        files = EnclaveDir(into) if into is not None else self._files
        if (files.path / f"{name}.crt").exists():
            raise SetupError(
                f"{files.path / name}.crt exists already: choose another name, nothing was changed"
            )
        issued = make(self._authority(hierarchy))
        return _store(files, name, issued.chain, issued.key)

    def revoke(self, certificate: Path, now: dt.datetime) -> Path:
        """Put a certificate on its issuer's list of revoked ones; the file of both lists."""
        try:
            revoked = x509.load_pem_x509_certificate(certificate.read_bytes())
            crl = self.path / CRL_FILE
            before = _load_crls(crl.read_bytes()) if crl.exists() else []
        except (OSError, ValueError):
            raise SetupError(f"cannot read {certificate} and {self.path / CRL_FILE}") from None
        lists = b""
        found = False
        for hierarchy in _HIERARCHIES:
            authority = self._authority(hierarchy)
            mine = authority.certificate.subject
            numbers = [r.serial_number for crl in before if crl.issuer == mine for r in crl]
            if revoked.issuer == mine:
                found = True
                numbers.append(revoked.serial_number)
            lists += issue_crl(authority, sorted(set(numbers)), now).public_bytes(Encoding.PEM)
        if not found:
            raise SetupError(f"{certificate} is not of the trial PKI in {self.path}: nothing was changed")
        return self._files.write(CRL_FILE, lists)

    def _authority(self, hierarchy: str) -> Authority:
        try:
            chain = x509.load_pem_x509_certificates((self.path / f"{hierarchy}.crt").read_bytes())
            key = load_pem_private_key((self.path / f"{hierarchy}.key").read_bytes(), None)
        except (OSError, ValueError):
            raise SetupError(
                f"{self.path} is not a trial PKI: run 'seinpost-broker trial-pki new {self.path}' first"
            ) from None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise SetupError(f"{self.path / hierarchy}.key is not an RSA key")
        return Authority(tuple(chain), key)


def _store(
    files: EnclaveDir, name: str, chain: Sequence[x509.Certificate], key: rsa.RSAPrivateKey
) -> tuple[Path, Path]:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_file = files.write(f"{name}.key", pem, secret=True)
    text = b"".join(c.public_bytes(Encoding.PEM) for c in chain)
    return files.write(f"{name}.crt", text), key_file


def _load_crls(data: bytes) -> list[x509.CertificateRevocationList]:
    end = b"-----END X509 CRL-----\n"
    return [x509.load_pem_x509_crl(part + end) for part in data.split(end) if part.strip()]
