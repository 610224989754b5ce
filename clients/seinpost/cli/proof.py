# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost proof` and `seinpost proof verify`."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

import msgspec

from seinpost._looked_up import recall_looked_up
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost.proving import SECTION_NAMES
from seinpost_schemas.errors import InvalidError, MalformedError, RefusedError, SetupError
from seinpost_schemas.policy import suspicion
from seinpost_schemas.register import Revocation
from seinpost_schemas.sections import decode_section
from seinpost_schemas.signal_proof import MAX_PROOF_BYTES, Proven, decode_signal_proof, verify_signal_proof
from seinpost_schemas.split_view import decode_split_view, is_split_view, verify_split_view
from seinpost_schemas.uuid7 import format_id

from . import clean, fail
from ._looking import looking
from ._passphrase import unlock
from ._since import since_lines, since_row
from ._text import load_texts
from ._trust_root import enclave_id_from
from .watch import escaped


async def run_make(
    signal: str,
    sections: str | None,
    out: Path | None,
    sender: str | None,
    config_file: Path,
    passphrase_file: Path | None,
    *,
    as_json: bool,
) -> int:
    """Write a proof; 0, or 1 when there was an alarm in the logs that it was made from."""
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    names = None if sections is None else [name.strip() for name in sections.split(",") if name.strip()]
    async with looking(config, identity, load_texts("en")) as connection:
        proof = await connection.prove(signal, names, sender=sender)
        proven = verify_signal_proof(proof, config.enclave_id)
        revocation = _revocation(connection, proven)
        status = 1 if connection.alarms else 0
    recall = await recall_looked_up(config.state, identity.storage_key, proven)
    target = out or Path(f"{proof.signal.id}.proof.json")
    _write(target, proof.encode())
    for line in since_lines(proven, revocation, recall):
        fail(f"warning: {line}")
    if as_json:
        print(escaped({"file": str(target), **_row(proven), **since_row(revocation, recall)}))
        return status
    shown = ", ".join(SECTION_NAMES[n] for n, section in enumerate(proven.sections) if section is not None)
    print(clean(f"written to {target}: {shown} of {proof.signal.id}, in the clear"))
    print(clean(f"it is classified {proven.compartment.classification.dutch}; handle the file so"))
    print(clean(f"check it: seinpost proof verify {target} --enclave {proof.enclave}"))
    return status


def _revocation(connection: Connection, proven: Proven) -> Revocation | None:
    """What the directory that this identity follows says of the signer: it may be newer than the proof's."""
    log = f"{proven.period}/{proven.compartment}"
    return suspicion(connection.directory.view, proven.sender_id, log, proven.index, proven.admitted_ms)


def _write(target: Path, data: bytes) -> None:
    """Whole or not at all, readable by its owner only; never over another file."""
    partial = target.with_name(target.name + ".partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, target)
    except FileExistsError:
        raise SetupError(f"{target} is there already: choose another name with --out") from None
    except OSError as error:
        raise SetupError(f"cannot write {target}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def run_verify(file: Path, enclave: str | None, config_file: Path | None, *, as_json: bool) -> int:
    """Check a proof; 0 when it holds, 1 when not."""
    enclave_id = enclave_id_from(enclave, config_file)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_PROOF_BYTES + 1)
    except OSError as error:
        raise MalformedError(f"cannot read {file}: {error.strerror}") from None
    if is_split_view(data):
        return _verify_split_view(data, enclave_id, as_json=as_json)
    try:
        proven = verify_signal_proof(decode_signal_proof(data), enclave_id)
        sections = {
            SECTION_NAMES[n]: decode_section(proven.kind, n, section)
            for n, section in enumerate(proven.sections)
            if section is not None
        }
    except (InvalidError, RefusedError) as error:
        if as_json:
            print(escaped({"verdict": "wrong", "message": str(error)}))
        fail(f"the proof does not hold: {error}")
        return 1
    if as_json:
        print(escaped({"verdict": "holds", **_row(proven), **_known(proven), "sections": sections}))
        return 0
    _show(proven, sections, named=enclave_id is not None)
    return 0


def _verify_split_view(data: bytes, enclave_id: bytes | None, *, as_json: bool) -> int:
    """Evidence that a log lied; 0 when it convicts, 1 when it proves nothing."""
    try:
        found = verify_split_view(decode_split_view(data), enclave_id)
    except (InvalidError, RefusedError) as error:
        if as_json:
            print(escaped({"verdict": "wrong", "message": str(error)}))
        fail(f"the proof does not hold: {error}")
        return 1
    witnesses = [name.rpartition("/")[2] for name in found.witnesses]
    roots = [root.hex() for root in found.roots]
    if as_json:
        row = {"origin": found.origin, "tree_size": found.tree_size, "roots": roots, "witnesses": witnesses}
        print(escaped({"verdict": "split-view", "enclave": found.enclave_id.hex(), **row}))
        return 0
    print(clean(f"holds: the log {found.origin} signed two histories of its first {found.tree_size} entries"))
    for root in roots:
        print(f"  {root}")
    print(clean(f"  cosigned both: {', '.join(witnesses) or 'nobody'}"))
    return 0


def _row(proven: Proven) -> dict[str, object]:
    return {
        "enclave": proven.enclave_id.hex(),
        "signal": format_id(proven.signal_id),
        "party": proven.party,
        "identity": proven.identity,
        "compartment": str(proven.compartment),
        "period": proven.period,
        "index": proven.index,
        "tree_size": proven.tree_size,
        "admitted": dt.datetime.fromtimestamp(proven.admitted_ms / 1000, dt.UTC),
        "witnessed": dt.datetime.fromtimestamp(proven.timestamp, dt.UTC),
        "witnesses": [name.rpartition("/")[2] for name in proven.witnesses],
    }


def _known(proven: Proven) -> dict[str, object]:
    """Up to when a revocation would be in the proof, and the one that is."""
    until = dt.datetime.fromtimestamp(proven.directory_timestamp, dt.UTC)
    return {"revocations_until": until, **since_row(proven.revocation)}


def _show(proven: Proven, sections: dict[str, object], *, named: bool) -> None:
    row, known = _row(proven), _known(proven)
    witnesses = ", ".join(name.rpartition("/")[2] for name in proven.witnesses) or "nobody"
    root = "" if named else "  (given by the file: compare it with the one that is published)"
    lines = {
        "signed by": f"{proven.party} ({proven.identity})",
        "in": f"{proven.compartment} of {proven.enclave}, {proven.period}",
        "admitted": f"{row['admitted']:%Y-%m-%d %H:%M:%S} UTC, entry {proven.index} of {proven.tree_size}",
        "witnessed": f"{row['witnessed']:%Y-%m-%d %H:%M:%S} UTC by {witnesses}",
        "enclave_id": f"{row['enclave']}{root}",
    }
    print(clean(f"holds: signal {row['signal']}"))
    for line in since_lines(proven, proven.revocation):
        print(clean(f"  SUSPECT: {line}"))
    for label, text in lines.items():
        print(f"  {label:12} {clean(text)}")
    for name, section in sections.items():
        print(f"  {name}:")
        for key, value in msgspec.to_builtins(section).items():
            print(f"    {clean(key)}: {clean(value if isinstance(value, str) else escaped(value))}")
    print("  what is not shown here is withheld or was never there: nobody can tell which")
    until = f"{known['revocations_until']:%Y-%m-%d %H:%M:%S} UTC"
    print(f"  what was said later is not in it: that a key was revoked after {until},")
    print("  or that the signal was taken back")
    sys.stdout.flush()
