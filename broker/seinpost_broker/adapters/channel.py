# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The broker's channel to its NATS: TLS 1.3 from the first byte on, with the certificate of broker.toml."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from seinpost_broker.adapters.enclave_dir import TlsConfig
from seinpost_schemas.errors import SetupError


class Channel(msgspec.Struct, frozen=True):
    """TLS settings; ``is_user`` when the register names the certificate, and not the NKEY."""

    context: ssl.SSLContext
    server_name: str
    is_user: bool


def load_channel(tls: TlsConfig | None) -> Channel | None:
    """The channel of [tls], ``None`` without; raises ``SetupError``, also when others may read the key."""
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        if Path(tls.key).stat().st_mode & 0o077:
            raise SetupError(f"{tls.key} can be read by others: run 'chmod 600 {tls.key}'")
        context.load_verify_locations(tls.ca)
        # nats-server reads the key without a passphrase too.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise SetupError(
            f"cannot use the files of [tls], {tls.ca}, {tls.certificate} and {tls.key} (PEM, the key without a "
            f"passphrase): {getattr(error, 'strerror', None) or 'not in their form'}"
        ) from None
    return Channel(context, tls.name, tls.user == "certificate")
