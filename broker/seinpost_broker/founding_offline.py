# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Founding an enclave for use: the registrars' keys are theirs, and never were on this machine.

`seinpost-broker prepare` leaves the text of version 1 to be completed and signed;
`seinpost-broker found` takes the signed version in. Nothing can be served in between.
"""

from __future__ import annotations

import datetime as dt
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import nkeys

from seinpost_broker.adapters.enclave_dir import FIRST_DRAFT, EnclaveDir, directory_of
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.core import founding
from seinpost_broker.founding import BROKER, make_broker_keys, verify_place, whole_or_nothing
from seinpost_broker.founding_channel import TlsOptions, lay_channel
from seinpost_broker.publishing import read_bounded, read_signed
from seinpost_broker.register_follower import render_config
from seinpost_schemas.directory import TrustedDirectory, log_keys_of
from seinpost_schemas.errors import BindingError, MalformedError, SetupError, UsageError
from seinpost_schemas.note import composite_key, parse_vkey
from seinpost_schemas.register import Register, Registrars, parse_register
from seinpost_schemas.request import MAX_REQUEST_BYTES, decode_request, key_objects
from seinpost_schemas.submission import Submission
from seinpost_schemas.trusted_register import enclave_id_of

_MAX_VKEY_BYTES = 16_384
_PREPARED = "registrars.toml"
"""Which registrars, and how many of them, this enclave was prepared for; version 1 must name exactly those."""


def prepare_enclave(
    path: Path,
    enclave: str,
    host: str,
    port: int,
    registrars: Sequence[Path],
    threshold: int,
    tls: TlsOptions | None = None,
) -> Path:
    """Make the broker's keys and the text of version 1, with nobody in it yet; the text's file.

    ``tls`` names files that were bought. Raises ``SetupError`` or ``MalformedError``, and then leaves nothing.
    """
    verify_place(enclave, host, secured=tls is not None)
    keys = [_vkey(p) for p in registrars]
    if len({parse_vkey(key)[1] for key in keys}) < len(keys):
        # Nobody can sign twice: a threshold could stay out of reach for good.
        raise UsageError("one registrar's key is named twice: name each --registrar once; nothing was made")
    if not 1 <= threshold <= len(keys):
        raise UsageError(f"--threshold is from 1 to {len(keys)}, the number of registrars")
    with whole_or_nothing(path) as directory:
        nats = make_broker_keys(directory)
        _, log = directory.load_secrets()
        text = founding.founding_text(
            enclave,
            dt.datetime.now(dt.UTC).replace(microsecond=0),
            [],
            founding.FoundingKeys(
                registrars=keys,
                threshold=threshold,
                log_ed25519=log.public.ed25519,
                log_mldsa44=log.public.mldsa44,
                brokers={BROKER: nats},
            ),
        )
        secure = {} if tls is None else lay_channel(directory, tls, [], lambda _: None).broker
        directory.write_toml("broker.toml", {"name": BROKER, "host": host, "port": port} | secure)
        directory.write_toml(_PREPARED, {"threshold": threshold, "keys": keys})
        return directory.write(FIRST_DRAFT, text)


def _vkey(path: Path) -> str:
    vkey = read_bounded(path, _MAX_VKEY_BYTES).decode("utf-8", errors="replace").strip()
    try:
        composite_key(*parse_vkey(vkey))
    except MalformedError as error:
        raise MalformedError(f"{path} is not a registrar's verifier key (FILE.vkey): {error}") from None
    return vkey


def found(path: Path, note_file: Path, request_files: Sequence[Path]) -> bytes:
    """Take the signed version 1 in, with the keys of the identities that it names; the enclave_id, 16 bytes.

    Raises ``SetupError``, ``InvalidError`` or ``RefusedError``, and then changes nothing.
    """
    directory = EnclaveDir(path)
    directory.load_config()
    if (path / "register.note").exists():
        raise SetupError(f"{path} is founded already: what follows comes by seinpost-broker publish-register")
    data, note = read_signed(note_file)
    _verify_ours(directory, parse_register(note))
    requests = [decode_request(read_bounded(p, MAX_REQUEST_BYTES)) for p in request_files]
    enclave_id = enclave_id_of(note.text)
    submission = Submission(data, key_objects(requests))
    # The very rules by which a later version comes in: signatures, dates, and exactly the keys that it names.
    objects = TrustedDirectory(enclave_id).missing_for(submission, time.time_ns() // 1_000_000)
    directory_of(enclave_id, objects)
    for request in requests:
        if request.witness is None:
            directory.write(f"keys/{request.name}.keys", request.key_object().encode())
    # Last: with this file the enclave is founded.
    directory.write("register.note", data)
    (path / _PREPARED).unlink()
    enclave_id, objects = directory.load_founding()
    render_config(directory, directory_of(enclave_id, objects).current, SystemClock().now_ms())
    return enclave_id


def _verify_ours(directory: EnclaveDir, register: Register) -> None:
    """Raise unless it is version 1, names the log and the broker whose keys are here, and the registrars prepared for.

    Who signs version 1 is known by nothing but its own text: what was named to `prepare` must not have become others,
    or fewer, on its way past the signers.
    """
    if register.version != 1:
        raise BindingError(f"an enclave is founded on version 1, and this is version {register.version}")
    seed, log = directory.load_secrets()
    nats = nkeys.from_seed(bytearray(seed.encode())).public_key.decode()
    if log_keys_of(register) != (log.public.ed25519, log.public.mldsa44) or nats not in {
        b.nats for b in register.brokers
    }:
        raise BindingError(f"the register names other keys of log and broker than those of {directory.path}")
    prepared = _prepared(directory.path / _PREPARED)
    signed = register.registrars
    if (set(signed.keys), signed.threshold) != (set(prepared.keys), prepared.threshold):
        raise BindingError(
            f"the register names other registrars, or another threshold, than {directory.path} was prepared for"
        )


def _prepared(path: Path) -> Registrars:
    """What `prepare` was told; the text that it made goes from hand to hand."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Registrars)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}; run seinpost-broker prepare again") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: {error}") from None
