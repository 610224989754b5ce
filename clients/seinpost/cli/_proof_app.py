# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost proof …`: the arguments of its commands; what they do is in ``proof``, loaded when needed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from ._options import AsJson, Config, PassphraseFile

proof = cyclopts.App(
    name="proof", help="Prove one signal to someone who holds nothing else; and check such a proof, offline."
)


@proof.default
def make(
    signal: str,
    *,
    config: Config,
    sections: Annotated[
        str | None,
        Parameter(
            help="Which to disclose, with commas: handling, report, indicators, protected; else all but that."
        ),
    ] = None,
    out: Annotated[Path | None, Parameter(help="Where to; else the signal number and .proof.json.")] = None,
    sender: Annotated[str | None, Parameter(help="The sending party, when two used one id.")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Write a self-contained proof of an audited signal, or of some of its sections only.

    Sections that are not named stay hidden, and how many there are. The file holds the named ones in the clear: it
    is as classified as they are. When the signer was revoked since, or the signal taken back, that is said on standard
    error, and the proof is written all the same.

    Example: seinpost proof 0190b3a1-… --sections report --config tafel.toml

    Parameters
    ----------
    signal
        The signal's id, as watch --json shows it.
    """
    from .proof import run_make  # noqa: PLC0415

    return asyncio.run(run_make(signal, sections, out, sender, config, passphrase_file, as_json=as_json))


@proof.command(name="verify")
def verify_proof(
    file: Path,
    *,
    enclave: Annotated[str | None, Parameter(help="The enclave_id: 32 hexadecimal digits.")] = None,
    config: Annotated[
        Path | None, Parameter(name=["--config", "-c"], help="Or a configuration that names it.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check a proof offline, with nothing but the file, and show what it proves.

    Without an enclave's id it names the one that it rests on: compare that with the one the enclave publishes.
    That the signer was revoked is in it up to the moment that it names; that the signal was taken back is in no proof.
    Exit status 0: it holds. 1: it does not.

    Parameters
    ----------
    file
        What seinpost proof wrote.
    """
    from .proof import run_verify  # noqa: PLC0415

    return run_verify(file, enclave, config, as_json=as_json)
