# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A supervised nats-server of our own, for trials and development; production brings the official one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

import structlog

from seinpost_schemas.errors import SetupError, UnavailableError

_START_SECONDS = 20.0
PID_FILE = "nats.pid"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_log = structlog.get_logger("nats-server")


def find_server() -> str:
    """The nats-server beside this Python, or on the PATH; raises ``SetupError``."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise SetupError(
            "no nats-server found: run 'pip install seinpost[broker]', or name one in broker.toml"
        )
    return found


class NatsServer:
    """One nats-server process, restarted when it ends by itself."""

    def __init__(self, config: Path, log: Path, host: str, port: int) -> None:
        self._config = config
        self._log = log
        self._host = host
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until it accepts connections; a port in use is a ``SetupError``."""
        if _accepts(self._host, self._port):
            await self._end_orphan()
        if _accepts(self._host, self._port):
            raise SetupError(
                f"port {self._port} on {self._host} is in use: stop what listens there, "
                "or set another port in broker.toml"
            )
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                find_server(),
                "-c",
                str(self._config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the broker alone, which then stops its server last.
                start_new_session=True,
            )
        async with asyncio.timeout(_START_SECONDS):
            while not _accepts(self._host, self._port):
                if self._process.returncode is not None:
                    raise SetupError(f"nats-server ended at once ({self._last_line()}); see {self._log}")
                await asyncio.sleep(0.05)

    async def _end_orphan(self) -> None:
        """End a server of this very configuration that a broker left behind when it was killed."""
        pid = self._orphan()
        if pid is None:
            return
        _log.warning("ending the nats-server of a broker that was killed", pid=pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            if not _accepts(self._host, self._port):
                return
            await asyncio.sleep(0.05)

    def _orphan(self) -> int | None:
        """The process in our pid file, if it still runs with our configuration."""
        try:
            pid = int((self._config.parent / PID_FILE).read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if str(self._config).encode() in words else None

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][-200:] if lines else "no message"

    async def supervise(self) -> None:
        """Restart the server whenever it ends, for ever."""
        while True:
            if self._process is None:
                raise RuntimeError("start() comes before supervise()")
            code = await self._process.wait()
            _log.error("nats-server ended; starting it again", code=code)
            await asyncio.sleep(0.5)
            with contextlib.suppress(SetupError, UnavailableError, TimeoutError):
                await self.start()

    def reload(self) -> None:
        """Make the server read its configuration again: dropped rights are denied at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def stop(self) -> None:
        """End the server and wait for it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()


def verify_config(config: Path) -> str:
    """The digest by which nats-server names what it has loaded; raises ``SetupError`` if it refuses the file."""
    import subprocess  # noqa: PLC0415 - only this check runs a command to its end

    done = subprocess.run(
        [find_server(), "-t", "-c", str(config)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(f"nats-server refuses {config}: {done.stderr.strip()[-300:]}")
    digest = _DIGEST.search(done.stderr)
    if digest is None:
        raise SetupError(
            "this nats-server is too old: it gives its configuration no digest; use 2.15 or newer"
        )
    return digest[0]


def _accepts(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def notify_ready() -> None:
    """Tell systemd (Type=notify) that the service is ready; nothing without a NOTIFY_SOCKET."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect("\0" + address[1:] if address.startswith("@") else address)
        connection.sendall(b"READY=1")
