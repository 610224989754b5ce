# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register publish`, `history --config` and `add --config`: what of the register needs a running enclave."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

from seinpost._files import read_bounded
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost_schemas.directory import DIRECTORY_ENTRY_BYTES, DirectoryType, decode_directory_entry
from seinpost_schemas.directory_material import DirectoryItem
from seinpost_schemas.entry import from_base64
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.policy import View
from seinpost_schemas.request import MAX_REQUEST_BYTES, decode_request, key_objects
from seinpost_schemas.submission import Submission

from ._output import saying
from ._passphrase import unlock
from ._tty import fail
from .register import Version


def run_publish(
    note: Path, config_file: Path, requests: Sequence[Path], passphrase_file: Path | None, *, as_json: bool
) -> int:
    """Hand it in and wait until it is in force; 0."""
    data = read_bounded(note, MAX_REGISTER_BYTES)
    keys = key_objects(decode_request(read_bounded(p, MAX_REQUEST_BYTES)) for p in requests)
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)

    async def publish() -> int:
        async with Connection(config, identity, on_waiting=fail) as post:
            return await post.publish_register(Submission(data, keys))

    version = asyncio.run(publish())
    with saying(f"version {version} is in force"):
        print(
            json.dumps({"version": version, "in_force": True})
            if as_json
            else f"version {version} is in force"
        )
    return 0


def read_view(config_file: Path, passphrase_file: Path | None) -> View:
    """The newest view of the directory, which was verified whole and is fresh: who revoked itself is in it."""
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)

    async def read() -> View:
        async with Connection(config, identity, on_waiting=fail) as post:
            return post.directory.view

    return asyncio.run(read())


def read_directory(config_file: Path, passphrase_file: Path | None) -> tuple[str, list[Version]]:
    """The enclave_id that a configuration trusts, and every version in the directory, which was verified whole."""
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)

    async def read() -> list[Version]:
        async with Connection(config, identity, on_waiting=fail) as post:
            return [v for item in post.directory.material if (v := _version(item)) is not None]

    return config.enclave, asyncio.run(read())


def _version(item: DirectoryItem) -> Version | None:
    entry = decode_directory_entry(from_base64(item.entry, DIRECTORY_ENTRY_BYTES))
    if entry.type != DirectoryType.REGISTER or item.object is None:
        return None
    since = dt.datetime.fromtimestamp(entry.admitted_ms / 1000, dt.UTC)
    return Version("a version in the directory", from_base64(item.object, MAX_REGISTER_BYTES), since)
