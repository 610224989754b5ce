# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The end of a log period: a register that names the next one."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from pathlib import Path

import tomli_w

from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.entry import ENTRY_HEADER, from_base64
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.subjects import DIRECTORY_STREAM, log_origin

from .enclave import Enclave
from .raw import hub
from .registrar import Change, Desk


def following(period: str) -> str:
    """The quarter after another: ``2027q1`` after ``2026q4``."""
    year, quarter = map(int, period.split("q"))
    return f"{year + quarter // 4}q{quarter % 4 + 1}"


def three_periods(enclave: Enclave) -> tuple[str, str, str]:
    """The period in which an enclave was founded, which is today's, and the two after it."""
    periods = enclave.trusted_directory().current.register.periods
    return periods.current, periods.next, following(periods.next)


def turn(current: str, next_: str, *retained: str) -> Change:
    """A draft's periods, changed."""

    def change(draft: Path) -> None:
        table = tomllib.loads(draft.read_text())
        table["periods"] = {"current": current, "next": next_, "retained": list(retained)}
        draft.write_text(tomli_w.dumps(table))

    return change


def sign_turn(desk: Desk, current: str, next_: str, *retained: str) -> Path:
    """A signed version under which another period runs."""
    return desk.sign(desk.draft(turn(current, next_, *retained)))


async def turn_period(desk: Desk, current: str, next_: str, *retained: str) -> None:
    """Bring a register in force under which another period runs."""
    note = await asyncio.to_thread(sign_turn, desk, current, next_, *retained)
    done = await asyncio.to_thread(desk.publish, note)
    assert done.status == 0, done


async def directory_of(enclave: Enclave) -> TrustedDirectory:
    """The directory log as it is stored now.

    A server that just reloads answers nobody for a moment.
    """
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(UnavailableError):
                return await _directory_of(enclave)
            await asyncio.sleep(0.1)


async def _directory_of(enclave: Enclave) -> TrustedDirectory:
    directory = TrustedDirectory(enclave.trusted_directory().enclave_id)
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        async for stored in bus.read(DIRECTORY_STREAM, 1):
            directory.advance(from_base64(stored.headers[ENTRY_HEADER], 100), stored.body)
    return directory


async def until_closed(enclave: Enclave, period: str, seconds: float = 60.0) -> TrustedDirectory:
    """Wait until the directory holds the closing of every log of a period."""
    async with asyncio.timeout(seconds):
        while True:
            directory = await directory_of(enclave)
            register = directory.current.register
            if period in register.periods.retained and all(
                directory.closing(log_origin(register.enclave, period, c)) is not None
                for c in all_compartments(register.ceiling_level)
            ):
                return directory
            await asyncio.sleep(0.2)
