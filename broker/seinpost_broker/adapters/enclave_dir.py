# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave's directory on disk: what `init` writes and `run` reads.

register.note            the signed register, public           trusted only after verification
keys/<identity>.keys     public key objects                    named by hash in the register
directory/               what the directory log held when this broker last looked; verified when read
submitted/               register versions that an operator handed in, until the broker took them
register-1.toml          the text of version 1, until it comes back signed (`found`)
broker.toml              where to listen, or which NATS to use, and its certificates
broker.key               NATS seed and log key, mode 0600      secret: signs checkpoints
registrars/<name>.key    registrar seeds, mode 0600            secret: take these offline
identities/              each party's key file and passphrase  secret: hand to the party, then delete
<party>.toml             ready client configuration
nats/                    rendered nats.conf, JetStream's files, log
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import tomli_w

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.directory import (
    DirectoryEntry,
    DirectoryType,
    TrustedDirectory,
    directory_object_hash,
)
from seinpost_schemas.errors import SeinpostError, SetupError, UnavailableError
from seinpost_schemas.note import parse_note
from seinpost_schemas.trusted_register import enclave_id_of

SERVED_FILE = "served.lock"
FIRST_DRAFT = "register-1.toml"
"""The text of version 1, to be completed and signed, in an enclave that is not founded yet."""


LOOPBACK = ("127.0.0.1", "::1", "localhost")


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[tls] in broker.toml: PEM files, relative to the directory, for the server and for the broker as its client.

    ``certificate`` (with those of its issuers) and ``key`` serve both; ``ca`` holds the CAs of the server and of the
    clients; ``name`` is what the server's certificate shows. With ``clients`` "nkey" no client is asked for a
    certificate. ``user`` says what the register names this broker by.
    """

    certificate: str
    key: str
    ca: str
    name: str
    clients: Literal["certificate", "nkey"] = "certificate"
    user: Literal["nkey", "certificate"] = "nkey"


class BrokerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """broker.toml. ``server`` is the URL of a NATS that others run; empty: the broker runs its own.

    ``reload`` is the command that makes those servers load what was rendered; empty: they are asked by NATS.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 4222
    server: str = ""
    reload: tuple[str, ...] = ()
    tls: TlsConfig | None = None

    @property
    def url(self) -> str:
        """Where the broker reaches its NATS."""
        if self.server:
            return self.server
        here = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"{'tls' if self.tls else 'nats'}://{here}:{self.port}"


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
            config = msgspec.convert(tomllib.loads(path.read_text()), BrokerConfig)
        except OSError:
            raise SetupError(
                f"{self.path} is not an enclave: run 'seinpost-broker init {self.path}' first"
            ) from None
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise SetupError(f"{path}: {error}") from None
        if config.tls is None and not config.server and config.host not in LOOPBACK:
            raise SetupError(f"{path}: without [tls] its own nats-server must not listen on {config.host}")
        if config.server and config.server.startswith("tls://") != (config.tls is not None):
            raise SetupError(f"{path}: a server tls://… and a [tls] table go together: give both or neither")
        tls = config.tls
        if tls is None:
            return config
        if tls.user == "certificate" and tls.clients != "certificate":
            raise SetupError(f'{path}: user = "certificate" in [tls] needs clients = "certificate"')
        files = {
            field: str((self.path / getattr(tls, field)).resolve()) for field in ("certificate", "key", "ca")
        }
        return msgspec.structs.replace(config, tls=msgspec.structs.replace(tls, **files))

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
        if (self.path / FIRST_DRAFT).exists() and not (self.path / "register.note").exists():
            raise SetupError(
                f"{self.path} is not founded yet: have {self.path / FIRST_DRAFT} signed, then run "
                f"'seinpost-broker found {self.path} …'"
            )
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

    def load_known(self) -> tuple[bytes, list[tuple[DirectoryType, bytes]]]:
        """As ``load_founding``, with what the log held since: the newest register that this broker has seen."""
        enclave_id, founding = self.load_founding()
        objects = []
        try:
            for path in sorted((self.path / "directory").glob("[0-9]*")):
                objects.append((DirectoryType[path.suffix[1:].upper()], path.read_bytes()))
            directory_of(enclave_id, objects)
        except OSError as error:
            raise SetupError(f"{error.filename}: {error.strerror}") from None
        except (KeyError, SeinpostError) as error:
            raise SetupError(
                f"{self.path / 'directory'} does not verify ({error}); move it away, it comes back from the log"
            ) from None
        return enclave_id, objects or founding

    def store_known(self, objects: Sequence[tuple[DirectoryType, bytes]]) -> None:
        """Keep what the log holds, object by object, those that are not here yet."""
        for place, (type_, data) in enumerate(objects):
            name = f"directory/{place:06}.{type_.name.lower()}"
            if not (self.path / name).exists():
                self.write(name, data)

    # -- versions that an operator hands in -------------------------------------------------------

    def hand_in(self, version: int, data: bytes) -> Path:
        """Leave a submission for the broker that serves this directory."""
        (self.path / "submitted" / f"{version:06}.refused").unlink(missing_ok=True)
        return self.write(f"submitted/{version:06}.submission", data)

    def handed_in(self) -> list[Path]:
        """Submissions that were not taken yet, lowest version first."""
        return sorted((self.path / "submitted").glob("*.submission"))

    def take_submission(self, path: Path, refusal: str | None) -> None:
        """Done with a submission; a ``refusal`` is kept beside it for whoever handed it in."""
        if refusal is not None:
            self.write(f"submitted/{path.stem}.refused", refusal + "\n")
        path.unlink(missing_ok=True)

    def write(self, name: str, data: bytes | str, *, secret: bool = False) -> Path:
        """Write a file whole or not at all, at mode 0600 if it is secret; raises ``UnavailableError``."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if secret:
            path.parent.chmod(0o700) if path.parent != self.path else None
        raw = data.encode() if isinstance(data, str) else data
        try:
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    os.fchmod(file.fileno(), 0o600 if secret else 0o644)
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise UnavailableError(f"cannot write {path}: {error.strerror}; nothing was changed") from None
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


def mark_served(path: Path) -> None:
    """Show, until this process ends, that a broker takes what is handed in here; several may."""
    descriptor = os.open(path / SERVED_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def is_served(path: Path) -> bool:
    """Whether a broker runs that takes what is handed in here."""
    try:
        descriptor = os.open(path / SERVED_FILE, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
