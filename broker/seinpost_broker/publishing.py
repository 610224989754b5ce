# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost-broker publish-register`: from a signed file to the broker that serves the directory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seinpost_broker.adapters.enclave_dir import EnclaveDir, directory_of, is_served
from seinpost_schemas.errors import MalformedError, Reason, RefusedError, SetupError, UnavailableError
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.register import parse_register
from seinpost_schemas.request import MAX_REQUEST_BYTES, decode_request, key_objects
from seinpost_schemas.submission import Submission

_LOOK_SECONDS = 0.1


class HandedIn(msgspec.Struct, frozen=True):
    """The version, and whether the broker has brought it in force."""

    version: int
    in_force: bool


def hand_in_register(
    enclave: EnclaveDir, note: Path, requests: Sequence[Path], wait_seconds: float
) -> HandedIn:
    """Verify a version against the newest known here, leave it for the broker, and wait for what it says.

    Raises ``InvalidError`` or ``RefusedError`` for a version that must not be, ``UnavailableError`` when a
    running broker did not take it in time.
    """
    keys = key_objects(decode_request(read_bounded(p, MAX_REQUEST_BYTES)) for p in requests)
    data, signed = read_signed(note)
    submission = Submission(data, keys)
    enclave_id, known = enclave.load_known()
    version = parse_register(signed).version
    if not directory_of(enclave_id, known).missing_for(submission, time.time_ns() // 1_000_000):
        return HandedIn(version, True)
    left = enclave.hand_in(version, submission.encode())
    deadline = time.monotonic() + wait_seconds
    while left.exists():
        if not is_served(enclave.path):
            return HandedIn(version, False)
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"the broker has not taken version {version} within {wait_seconds:g} s; it still may"
            )
        time.sleep(_LOOK_SECONDS)
    refusal = left.with_suffix(".refused")
    if refusal.exists():
        raise RefusedError(
            Reason.MALFORMED, f"the broker refused version {version}: {refusal.read_text().strip()}"
        )
    return HandedIn(version, True)


def read_signed(path: Path) -> tuple[bytes, Note]:
    """A signed register's bytes and note, not verified; raises ``SetupError`` or ``MalformedError``."""
    data = read_bounded(path, MAX_REGISTER_BYTES)
    try:
        return data, parse_note(data)
    except MalformedError as error:
        raise MalformedError(
            f"{path} is not a signed register (see: seinpost register sign): {error}"
        ) from None


def read_bounded(path: Path, limit: int) -> bytes:
    """At most ``limit`` + 1 bytes, so that the caller can tell that it is too large; raises ``SetupError``."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from None
