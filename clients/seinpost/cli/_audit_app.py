# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost audit …`: the arguments of its commands; what they do is in ``audit``, loaded when needed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from ._options import AsJson, Config, PassphraseFile

audit = cyclopts.App(
    name="audit", help="Take a copy of the logs that anyone can check offline; and check one."
)


@audit.command
def export(
    target: Path,
    *,
    config: Config,
    bodies: Annotated[
        bool, Parameter(help="With the sealed bodies; without them their hashes cannot be checked.")
    ] = True,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Write every log that this identity may pull, in C2SP tiles, with signatures, bodies and checkpoints.

    Of each log every checkpoint of the last day, and the first of each hour before.

    Sealed bodies stay sealed. Example: seinpost audit export export-of-today --config toezicht.toml

    Parameters
    ----------
    target
        A new directory.
    """
    from .audit import run_export  # noqa: PLC0415

    return asyncio.run(run_export(target, config, passphrase_file, bodies=bodies, as_json=as_json))


@audit.command
def verify(
    source: Path,
    *,
    enclave: Annotated[str | None, Parameter(help="The enclave_id: 32 hexadecimal digits.")] = None,
    config: Annotated[
        Path | None, Parameter(name=["--config", "-c"], help="Or a configuration that names it.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check an export, offline, with no key but the enclave's id: every entry, signature, chain, mandate and root.

    Exit status 0: all of it holds. 1: it does not, and where. 2: there is no export there.

    Parameters
    ----------
    source
        What audit export wrote.
    """
    from .audit import run_verify  # noqa: PLC0415

    return run_verify(source, enclave, config, as_json=as_json)
