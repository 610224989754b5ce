# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave on disk, its broker and nats-server as real processes, and the real commands on it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from seinpost.identity import Identity, load_identity, read_passphrase_file
from seinpost_broker.adapters.enclave_dir import EnclaveDir, directory_of
from seinpost_schemas.directory import TrustedDirectory

START_SECONDS = 30.0
COMMAND_SECONDS = 60.0


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Done:
    """A finished command: status, lines of both streams; ``error`` is its one line on standard error."""

    def __init__(self, status: int, stdout: bytes | None, stderr: bytes | None) -> None:
        self.status = status
        self.stdout = (stdout or b"").decode()
        self.stderr = (stderr or b"").decode()

    def __repr__(self) -> str:
        return f"exit {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    @property
    def error(self) -> str:
        """The only line on standard error, which is one clear sentence."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self
        assert "Traceback" not in self.stderr, self
        assert lines[0].startswith(("seinpost: ", "seinpost-broker: ")), self
        return lines[0]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines of standard output."""
        return [json.loads(line) for line in self.stdout.splitlines()]


class Running:
    """A command under way."""

    started: ClassVar[list[Running]] = []
    """All of them, so that none outlives its test."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self.started.append(self)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )

    def wait_for(self, stream: str, text: str, seconds: float = START_SECONDS) -> str:
        """Read one stream until ``text`` has come; what was read."""
        pipe = self.process.stdout if stream == "stdout" else self.process.stderr
        assert pipe is not None
        read = b""
        deadline = time.monotonic() + seconds
        while text.encode() not in read:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} did not come: {read.decode()}"
            if select.select([pipe], [], [], left)[0]:
                chunk = os.read(pipe.fileno(), 65_536)
                assert chunk, f"ended without {text!r}: {read.decode()}"
                read += chunk
        return read.decode()

    def finish(self, stdin: bytes = b"", seconds: float = COMMAND_SECONDS) -> Done:
        """Close its input and wait; kills it (and fails) when it does not end."""
        try:
            out, err = self.process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"did not end within {seconds} s: {Done(-9, out, err)}") from None
        return Done(self.process.returncode, out, err)

    def send(self, data: bytes) -> None:
        """Write to its standard input, which stays open."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def outlive_tests(self) -> None:
        """It belongs to a fixture that several tests use, and which ends it."""
        self.started.remove(self)

    def end(self) -> None:
        """Kill it, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        close(self.process)

    @classmethod
    def end_all(cls) -> None:
        """Kill what a test left behind."""
        for running in cls.started:
            running.end()
        cls.started.clear()

    def interrupt(self) -> Done:
        """Ctrl-C, once, and what it then says."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()


def start(*arguments: str | Path, patch: str = "") -> Running:
    """Start `seinpost …`; ``patch`` is run before it, for shorter time-outs only."""
    code = f"{patch}\nfrom seinpost.cli import main\nmain()"
    head = [sys.executable, "-c", code] if patch else [sys.executable, "-m", "seinpost"]
    environment = {k: v for k, v in os.environ.items() if k != "SEINPOST_PASSPHRASE"}
    return Running([*head, *map(str, arguments)], env=environment)


def run(
    *arguments: str | Path, stdin: bytes = b"", seconds: float = COMMAND_SECONDS, patch: str = ""
) -> Done:
    """Run `seinpost …` to its end."""
    return start(*arguments, patch=patch).finish(stdin, seconds)


def start_broker_command(*arguments: str | Path) -> Running:
    """Start `seinpost-broker …`."""
    return Running([sys.executable, "-m", "seinpost_broker", *map(str, arguments)])


def run_broker_command(*arguments: str | Path, seconds: float = COMMAND_SECONDS) -> Done:
    """Run `seinpost-broker …` to its end."""
    return start_broker_command(*arguments).finish(seconds=seconds)


class Enclave:
    """What `seinpost-broker init` made, and the processes that serve it."""

    def __init__(self, path: Path, port: int) -> None:
        self.path = path
        self.port = port
        self.url = f"nats://127.0.0.1:{port}"
        self.broker: subprocess.Popen[bytes] | None = None
        self._extra: list[subprocess.Popen[bytes]] = []

    @property
    def directory(self) -> EnclaveDir:
        """The enclave's files."""
        return EnclaveDir(self.path)

    def trusted_directory(self) -> TrustedDirectory:
        """The directory that its founding makes."""
        return directory_of(*self.directory.load_founding())

    def config(self, party: str) -> Path:
        """A party's client configuration."""
        return self.path / f"{party}.toml"

    def identity(self, party: str) -> Identity:
        """A party's unlocked identity."""
        folder = self.path / "identities"
        return load_identity(folder / f"{party}-1.key", read_passphrase_file(folder / f"{party}.pass"))

    def identities(self) -> dict[str, Identity]:
        """Every identity there is, by party."""
        parties = sorted(p.name.removesuffix(".pass") for p in (self.path / "identities").glob("*.pass"))
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(parties, pool.map(self.identity, parties), strict=True))

    # -- processes --------------------------------------------------------------------------------

    def start(self, patch: str = "", *, witnesses: bool = False) -> subprocess.Popen[bytes]:
        """Run one more broker and wait until it is ready; ``patch`` is run before it."""
        option = "--witnesses" if witnesses else "--no-witnesses"
        code = f"import sys\n{patch}\nfrom seinpost_broker.cli import main\nmain()"
        log = (self.path / "broker.log").open("ab")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-c", code, "run", str(self.path), option],
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert process.stdout is not None
        line = process.stdout.readline() if select.select([process.stdout], [], [], START_SECONDS)[0] else b""
        if not line.startswith(b"ready on "):
            process.kill()
            process.communicate()
            raise AssertionError(f"the broker did not start: {(self.path / 'broker.log').read_text()[-800:]}")
        if self.broker is None or self.broker.poll() is not None:
            self.broker = process
        else:
            self._extra.append(process)
        return process

    def start_nats(self, config: Path | None = None) -> subprocess.Popen[bytes]:
        """Run a nats-server of our own on the rendered (or another) configuration."""
        server = Path(sys.executable).parent / "nats-server"
        with (self.path / "own-nats.log").open("ab") as log:
            process = subprocess.Popen(
                [str(server), "-c", str(config or self.directory.nats_config)], stdout=log, stderr=log
            )
        self._extra.append(process)
        wait_for_port(self.port)
        return process

    def use_own_nats(self) -> None:
        """Make the broker use a NATS that others run, at the same address."""
        text = (self.path / "broker.toml").read_text()
        (self.path / "broker.toml").write_text(text + f'server = "{self.url}"\n')

    def nats_pids(self) -> list[int]:
        """The nats-servers that run on this enclave's configuration."""
        return self._pids(b"nats-server")

    def witness_pids(self) -> list[int]:
        """The witnesses that run on this enclave's configurations."""
        return self._pids(b"\0witness\0")

    def _pids(self, word: bytes) -> list[int]:
        """Processes with both that and a file of this enclave among their arguments, whoever started them."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                if word in command and f"{self.path}/".encode() in command:
                    found.append(int(folder.name))
        return found

    def kill_nats(self) -> None:
        """kill -9 the nats-server."""
        _kill(self.nats_pids())

    def kill_broker(self) -> None:
        """kill -9 the broker, and nothing else."""
        assert self.broker is not None
        self.broker.kill()
        close(self.broker)

    def stop(self) -> None:
        """End everything that was started here."""
        for process in [self.broker, *self._extra]:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
            if process is not None:
                close(process)
        self.kill_nats()
        _kill(self.witness_pids())
        self._extra.clear()

    # -- commands ---------------------------------------------------------------------------------

    def publish(self, party: str, source: Path, *more: str) -> Done:
        """`seinpost publish` of a file as a party; theme and classification are among ``more``."""
        return run("publish", source, "--config", self.config(party), *more)

    def watch(self, party: str, *more: str, seconds: float = COMMAND_SECONDS) -> Done:
        """`seinpost watch --json` as a party."""
        return run("watch", "--config", self.config(party), "--json", *more, seconds=seconds)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def close(process: subprocess.Popen[bytes]) -> None:
    """Wait for a killed process and close its pipes, so that nothing is left to warn about."""
    process.wait(15)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def wait_for_port(port: int) -> None:
    """Until something accepts connections there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}")


def make_enclave(path: Path, *parties: str, witnesses: bool = False) -> Enclave:
    """A new enclave with identities for these parties (all of the shipped register if none is named).

    Without witnesses, unless asked for: the broker's own checkpoints are enough then.
    """
    port = free_port()
    only = [x for p in parties for x in ("--party", p)]
    option = "--witnesses" if witnesses else "--no-witnesses"
    done = run_broker_command("init", path, "--port", str(port), option, *only)
    assert done.status == 0, done
    return Enclave(path, port)
