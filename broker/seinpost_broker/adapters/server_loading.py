# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Nats-servers made to load what was rendered, and asked whether they have.

Our own is told by a signal, and compared by the digest of the whole file. Those that others run are each asked
by NATS to read their own file again, or the operator's command is run (``reload`` in broker.toml) where the file
has to be brought there first; what counts is then the tag of the rendering, wherever the operator includes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.adapters.nats_server import NatsServer, verify_config
from seinpost_broker.core.nats_config import tag_of
from seinpost_schemas.errors import UnavailableError

_COMMAND_SECONDS = 30.0


class Servers(Protocol):
    """The nats-servers of an enclave."""

    async def lacking(self) -> list[str]:
        """The names of those that have loaded something else than the file; raises ``UnavailableError``."""
        ...

    async def reload(self) -> None:
        """Make them read it again; whether they took it shows afterwards. Raises ``UnavailableError``."""
        ...


class OwnServer:
    """The one that this broker (or, with ``None``, another process) supervises."""

    def __init__(self, bus: NatsBus, config: Path, server: NatsServer | None) -> None:
        self._bus = bus
        self._config = config
        self._server = server

    async def lacking(self) -> list[str]:
        """See ``Servers``."""
        wanted = await asyncio.to_thread(verify_config, self._config)
        return [] if await self._bus.loaded_config() == wanted else ["the server"]

    async def reload(self) -> None:
        """See ``Servers``."""
        if self._server is not None:
            self._server.reload()


class OutsideServers:
    """Those behind the address in broker.toml; ``command`` empty: they are asked themselves."""

    def __init__(self, bus: NatsBus, config: Path, command: Sequence[str]) -> None:
        self._bus = bus
        self._config = config
        self._command = command

    async def lacking(self) -> list[str]:
        """See ``Servers``."""
        tag = tag_of(self._config.read_text())
        return [s.server_name for s in await self._bus.server_states() if tag not in s.tags]

    async def reload(self) -> None:
        """See ``Servers``."""
        if self._command:
            await self._run()
            return
        for state in await self._bus.server_states():
            await self._bus.reload_server(state.server_id)

    async def _run(self) -> None:
        name = self._command[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise UnavailableError(f"the reload command {name} cannot be run: {error.strerror}") from None
        try:
            async with asyncio.timeout(_COMMAND_SECONDS):
                _, said = await process.communicate()
        except TimeoutError:
            raise UnavailableError(
                f"the reload command {name} did not end within {_COMMAND_SECONDS:g} s"
            ) from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            last = said.decode(errors="replace").strip().rpartition("\n")[2][-200:]
            raise UnavailableError(
                f"the reload command {name} ended with status {process.returncode}: {last}"
            )
