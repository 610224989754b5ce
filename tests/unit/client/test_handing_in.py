# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What is handed in is in force when the directory says so; a last word also when the server lets us in no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seinpost._handing_in import HandingIn
from seinpost_schemas.errors import Reason, RefusedError, UnavailableError


class Gone:
    """A server that takes what is handed in, answers nothing, and lets us in no more when told so."""

    def __init__(self, *, refuses: bool) -> None:
        self.sent: list[bytes] = []
        self._refuses = refuses

    async def send(self, _subject: str, data: bytes, _msg_id: str | None) -> bool:
        self.sent.append(data)
        return True

    async def pull(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield None

    async def wait_refused(self) -> None:
        if not self._refuses:
            await asyncio.Event().wait()
        raise RefusedError(Reason.UNKNOWN_SENDER, "gone")


class Silent:
    """A directory in which nothing comes, unless it holds already."""

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        if not condition():
            await asyncio.Event().wait()


def handing_in(folder: Path, transport: Gone) -> HandingIn:
    config, identity = SimpleNamespace(state=folder), SimpleNamespace(name="ncsc-1", party="ncsc")
    parts: tuple[Any, ...] = (config, identity, Silent(), transport, print)
    return HandingIn(*parts)


async def test_a_last_word_is_in_force_when_the_server_lets_us_in_no_more(tmp_path: Path) -> None:
    """The server may close our connection before the directory came over it."""
    transport = Gone(refuses=True)
    await handing_in(tmp_path, transport).hand_in(b"word", lambda: False, "the revocation", 30, last=True)
    assert transport.sent == [b"word"]


async def test_it_is_not_when_the_server_only_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="may still come"):
        await handing_in(tmp_path, Gone(refuses=False)).hand_in(b"w", lambda: False, "it", 0.2, last=True)


async def test_anything_else_needs_the_directory(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="may still come"):
        await handing_in(tmp_path, Gone(refuses=True)).hand_in(b"w", lambda: False, "it", 0.2)
    await handing_in(tmp_path, Gone(refuses=False)).hand_in(b"w", lambda: True, "it", 30)
