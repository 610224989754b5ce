# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The channel to the server: TLS 1.3 from the first byte on, with a certificate of our own where there is one.

The key file is a secret: mode 0600, and without a passphrase, since nobody is there to give it when a lost connection
is made again. Identity keys are what signals rest on; this one opens a connection.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from seinpost_schemas.errors import SetupError

from .config import Config, TlsConfig


class Channel(msgspec.Struct, frozen=True):
    """TLS settings; ``server_name`` is what the server's certificate must show, the address's host otherwise.

    ``is_user``: the register names the certificate, and the server takes it for who we are; else the NKEY is that.
    """

    context: ssl.SSLContext
    server_name: str | None
    is_user: bool


def load_channel(config: Config) -> Channel | None:
    """The channel of a configuration, ``None`` when it is plain; raises ``SetupError``."""
    tls, secure = config.tls, config.server.startswith("tls://")
    if secure != (tls is not None):
        raise SetupError(
            "a server address tls://… and a [tls] table in the configuration go together: give both or neither"
        )
    if tls is None:
        return None
    if tls.user == "certificate" and tls.certificate is None:
        raise SetupError('user = "certificate" in [tls] needs certificate and key')
    return Channel(_context(tls), tls.server_name, tls.user == "certificate")


def _context(tls: TlsConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The file may name the issuing CA alone: then other issuers below the same root are not trusted.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"cannot use the CA file {tls.ca}: {_cause(error)}") from None
    if (tls.certificate is None) != (tls.key is None):
        raise SetupError("certificate and key in [tls] go together: give both or neither")
    if tls.certificate is not None and tls.key is not None:
        _load_certificate(context, tls.certificate, tls.key)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        if key.stat().st_mode & 0o077:
            raise SetupError(f"{key} can be read by others: run 'chmod 600 {key}'")
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise SetupError(
            f"cannot use {certificate} with {key} (PEM, the key without a passphrase): {_cause(error)}"
        ) from None


def _no_passphrase() -> str:
    # Asked for an encrypted key only; OpenSSL would otherwise ask on the terminal, and wait.
    return ""


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or "not in its form").lower().replace("_", " ")


def untrusted_server(errors: list[Exception]) -> str | None:
    """Why the server's certificate does not count, if that is what went wrong."""
    for error in errors:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
    return None


def refused_certificate(errors: list[Exception]) -> bool:
    """Whether the server would not have our certificate, or wanted one where we have none."""
    alerts = [str(e.reason) for e in errors if isinstance(e, ssl.SSLError) and e.reason]
    return any("ALERT" in a and ("CERT" in a or "UNKNOWN_CA" in a) for a in alerts)
