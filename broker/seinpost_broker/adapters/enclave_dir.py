# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave's directory on disk: what `init` writes and `run` reads.

register.note            the signed register, public           trusted only after verification
keys/<identity>.keys     public key objects                    named by hash in the register
broker.toml              where to listen, or which NATS to use
broker.key               NATS seed and log key, mode 0600      secret: signs checkpoints
registrars/<name>.key    registrar seeds, mode 0600            secret: take these offline
identities/              each party's key file and passphrase  secret: hand to the party, then delete
<party>.toml             ready client configuration
nats/                    rendered nats.conf, JetStream's files, log
"""

from __future__ import annotations

import fcntl
import os
import tomllib
from pathlib import Path

import msgspec
import tomli_w

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.directory import (
    DirectoryEntry,
    DirectoryType,
    TrustedDirectory,
    directory_object_hash,
)
from seinpost_schemas.errors import SeinpostError, SetupError
from seinpost_schemas.note import parse_note
from seinpost_schemas.trusted_register import enclave_id_of


class BrokerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """broker.toml. ``server`` is the URL of a NATS that others run; empty: the broker runs its own."""

    name: str
    host: str = "127.0.0.1"
    port: int = 4222
    server: str = ""


class BrokerSecrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """broker.key: the NATS user seed and 64 bytes of log key seed in hex."""

    nats_seed: str
    log_seed: str

    def __repr__(self) -> str:
        return "BrokerSecrets(…)"


class EnclaveDir:
    """Reads and writes one enclave's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def nats_config(self) -> Path:
        """The rendered nats-server configuration."""
        return self.path / "nats" / "nats.conf"

    @property
    def jetstream(self) -> Path:
        """JetStream's files."""
        return self.path / "nats" / "jetstream"

    def load_config(self) -> BrokerConfig:
        """broker.toml; raises ``SetupError``."""
        path = self.path / "broker.toml"
        try:
            return msgspec.convert(tomllib.loads(path.read_text()), BrokerConfig)
        except OSError:
            raise SetupError(
                f"{self.path} is not an enclave: run 'seinpost-broker init {self.path}' first"
            ) from None
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise SetupError(f"{path}: {error}") from None

    def load_secrets(self) -> tuple[str, LogKeys]:
        """(NATS seed, log keys); raises ``SetupError``, also when others may read the file."""
        path = self.path / "broker.key"
        try:
            if path.stat().st_mode & 0o077:
                raise SetupError(f"{path} can be read by others: run 'chmod 600 {path}'")
            secrets = msgspec.json.decode(path.read_bytes(), type=BrokerSecrets)
            return secrets.nats_seed, LogKeys(bytes.fromhex(secrets.log_seed))
        except OSError as error:
            raise SetupError(f"{path}: {error.strerror}") from None
        except (msgspec.DecodeError, ValueError):
            raise SetupError(f"{path} is not a broker's key file") from None

    def load_founding(self) -> tuple[bytes, list[tuple[DirectoryType, bytes]]]:
        """(enclave_id, directory objects in order: key objects, then the register), verified as a whole."""
        try:
            note = (self.path / "register.note").read_bytes()
            keys = [p.read_bytes() for p in sorted((self.path / "keys").glob("*.keys"))]
        except OSError as error:
            raise SetupError(f"{error.filename}: {error.strerror}") from None
        objects = [(DirectoryType.KEYS, k) for k in keys] + [(DirectoryType.REGISTER, note)]
        try:
            enclave_id = enclave_id_of(parse_note(note).text)
            directory_of(enclave_id, objects)
        except SeinpostError as error:
            raise SetupError(f"the register in {self.path} does not verify: {error}") from None
        return enclave_id, objects

    def write(self, name: str, data: bytes | str, *, secret: bool = False) -> Path:
        """Write a file whole, at mode 0600 if it is secret."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if secret:
            path.parent.chmod(0o700) if path.parent != self.path else None
        raw = data.encode() if isinstance(data, str) else data
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return path

    def write_toml(self, name: str, table: dict[str, object]) -> Path:
        """Write a TOML file."""
        return self.write(name, tomli_w.dumps(table))


def directory_of(enclave_id: bytes, objects: list[tuple[DirectoryType, bytes]]) -> TrustedDirectory:
    """The directory that these objects make; raises when one does not verify."""
    directory = TrustedDirectory(enclave_id)
    for type_, data in objects:
        directory.advance(DirectoryEntry(type_, 0, directory_object_hash(data)).encode(), data)
    return directory


def lock_directory(path: Path) -> None:
    """Take the directory for this process, until it ends: two brokers would end each other's nats-server."""
    descriptor = os.open(path / "broker.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SetupError(
            f"another broker serves {path} already; for more than one, name a NATS of your own in broker.toml"
        ) from None
