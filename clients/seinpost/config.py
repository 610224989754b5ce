# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A client's configuration: one TOML file per identity."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from seinpost_schemas.errors import SetupError


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PEM files of the channel: whom to trust (``ca``), and the certificate (with its issuers') and key of our own.

    ``server_name`` is the name in the server's certificate where the address shows another. ``user`` says what the
    register names this identity by.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    user: Literal["nkey", "certificate"] = "nkey"


class TokenConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the PKCS#11 token of an identity is reached: its module, and a file with its PIN."""

    module: Path
    pin_file: Path | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Paths are relative to the file that names them."""

    enclave: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
    party: str
    identity: Path
    server: str
    state: Path
    passphrase_file: Path | None = None
    tls: TlsConfig | None = None
    token: TokenConfig | None = None

    @property
    def enclave_id(self) -> bytes:
        """16 bytes; the root of trust."""
        return bytes.fromhex(self.enclave)


def load_config(path: Path | str) -> Config:
    """Read and check a configuration file; raises ``SetupError``."""
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(table, Config, dec_hook=_to_path)
    except OSError as error:
        raise SetupError(f"cannot read the configuration {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SetupError(f"the configuration {path}: {error}") from None
    base = path.resolve().parent
    return msgspec.structs.replace(
        config,
        identity=base / config.identity,
        state=base / config.state,
        passphrase_file=base / config.passphrase_file if config.passphrase_file else None,
        tls=_below(base, config.tls) if config.tls else None,
        token=_token_below(base, config.token) if config.token else None,
    )


def _token_below(base: Path, token: TokenConfig) -> TokenConfig:
    return TokenConfig(module=base / token.module, pin_file=base / token.pin_file if token.pin_file else None)


def _below(base: Path, tls: TlsConfig) -> TlsConfig:
    return msgspec.structs.replace(
        tls,
        ca=base / tls.ca,
        certificate=base / tls.certificate if tls.certificate else None,
        key=base / tls.key if tls.key else None,
    )


def _to_path(type_: type, value: object) -> Path:
    if type_ is Path and isinstance(value, str):
        return Path(value)
    raise ValueError("a path is written as text")
