# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost revoke`: an identity ends itself."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

from seinpost._directory import wall_ms
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost_schemas.errors import UsageError

from ._output import saying
from ._passphrase import unlock
from ._tty import fail


async def run(
    config_file: Path,
    suspect_from: dt.datetime | None,
    passphrase_file: Path | None,
    *,
    sure: bool,
    as_json: bool,
) -> int:
    """Ask, unless ``sure``, and hand it in; 0 when it is in force, 2 when it was not meant."""
    if suspect_from is not None and suspect_from.tzinfo is None:
        raise UsageError(
            "--suspect-from needs a time zone, such as 2026-11-24T09:00:00Z; nothing was revoked"
        )
    moment_ms = int(suspect_from.timestamp() * 1000) if suspect_from is not None else wall_ms()
    if moment_ms < 0:
        raise UsageError("--suspect-from is before 1970; nothing was revoked")
    if moment_ms > wall_ms():
        # It could not be taken back, and what is sent until then would not be shown as suspect.
        raise UsageError("--suspect-from is in the future; nothing was revoked")
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    if not sure and not _asked(identity.name):
        fail("nothing was revoked: type the identity's name to go on, or give --yes")
        return 2
    async with Connection(config, identity, on_waiting=fail, receipts=False) as post:
        await post.revoke(moment_ms)
    with saying(f"{identity.name} is revoked"):
        if as_json:
            print(json.dumps({"identity": identity.name, "revoked": True}))
        else:
            print(f"{identity.name} is revoked; a new identity is made with 'seinpost keygen'")
    return 0


def _asked(name: str) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"This revokes {name} for good. Type its name to go on: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == name
