# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A running broker follows its register: rights, streams and ingresses come from it, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from seinpost_broker.adapters.enclave_dir import EnclaveDir, TlsConfig, directory_of
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.adapters.nats_server import PID_FILE, NatsServer
from seinpost_broker.adapters.server_loading import OutsideServers, OwnServer, Servers
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.core import drift, layout, nats_config
from seinpost_broker.service.directory import DirectoryService
from seinpost_schemas.errors import InvalidError, RefusedError, UnavailableError
from seinpost_schemas.limits import EXPIRY_WARNING_DAYS
from seinpost_schemas.policy import View, days_to_expiry
from seinpost_schemas.quorum import shortages
from seinpost_schemas.submission import decode_submission

_RENDER_SECONDS = 20.0
_SUBMITTED_SECONDS = 1.0
_LOAD_SECONDS = 10.0
_LOAD_STEP_SECONDS = 0.05
_FORESEEN_MS = EXPIRY_WARNING_DAYS * 86_400_000
_log = structlog.get_logger("register")


def rendered(enclave: EnclaveDir, view: View, now_ms: int) -> str:
    """The text of nats.conf as the register gives it."""
    config = enclave.load_config()
    server = nats_config.Server(
        name=f"{view.register.enclave}-{config.name}",
        listen=f"{config.host}:{config.port}",
        store_dir=str(enclave.jetstream.resolve()),
        pid_file=str(enclave.nats_config.resolve().parent / PID_FILE),
        tls=_tls(config.tls) if config.tls is not None else None,
    )
    return nats_config.render(view, server, now_ms)


def _tls(tls: TlsConfig) -> nats_config.Tls:
    return nats_config.Tls(
        certificate=tls.certificate,
        key=tls.key,
        clients_ca=tls.ca if tls.clients == "certificate" else None,
    )


def left_out(enclave: EnclaveDir, view: View) -> list[str]:
    """The names of those who have no way in: the register names their certificates, and none is asked for here."""
    tls = enclave.load_config().tls
    return [] if tls is not None and tls.clients == "certificate" else nats_config.unmapped(view)


def render_config(enclave: EnclaveDir, view: View, now_ms: int) -> bool:
    """Write nats.conf from the register; whether it changed."""
    text = rendered(enclave, view, now_ms)
    before = enclave.nats_config.read_text() if enclave.nats_config.exists() else ""
    if text != before:
        enclave.write("nats/nats.conf", text)
    return text != before


async def lay_out(bus: NatsBus, view: View, now_ms: int) -> None:
    """Make every stream and consumer that the register asks for."""
    for stream in layout.streams(view.register):
        await bus.ensure_stream(stream)
    for consumer in layout.consumers(view, now_ms):
        await bus.ensure_consumer(consumer)


async def remove_surplus(bus: NatsBus, view: View, now_ms: int) -> None:
    """Remove readers' consumers that the register does not ask for any more; a reader keeps its own position."""
    wanted = layout.consumers(view, now_ms)
    for stream in dict.fromkeys(c.stream for c in wanted):
        for consumer in drift.surplus(wanted, await bus.found_consumers(stream)):
            await bus.remove_consumer(consumer)


async def find_drift(enclave: EnclaveDir, bus: NatsBus, view: View, now_ms: int) -> list[str]:
    """Every difference between a running server and the register, a sentence each; nothing is changed."""
    lines = []
    text = rendered(enclave, view, now_ms)
    if not enclave.nats_config.exists() or enclave.nats_config.read_text() != text:
        lines.append(f"{enclave.nats_config} is not what the register gives: run 'seinpost-broker render'")
    else:
        lines += [
            f"{name} has loaded something else than {enclave.nats_config}: reload it (kill -HUP), "
            "and see its log when that does not help"
            for name in await servers_of(enclave, bus).lacking()
        ]
    lines += [f"{name} has no way in: no certificate is asked for" for name in left_out(enclave, view)]
    streams = await bus.found_streams()
    lines += drift.stream_differences(layout.streams(view.register), streams)
    found = [c for s in streams for c in await bus.found_consumers(s.name)]
    return lines + drift.consumer_differences(layout.consumers(view, now_ms), found)


def servers_of(enclave: EnclaveDir, bus: NatsBus, own: NatsServer | None = None) -> Servers:
    """The nats-servers behind a bus: our own, or those that broker.toml names."""
    config = enclave.load_config()
    if config.server:
        return OutsideServers(bus, enclave.nats_config, config.reload)
    return OwnServer(bus, enclave.nats_config, own)


def patience_seconds(view: View, rendered_ms: int, now_ms: int) -> float:
    """Until a mandate begins or ends; and now and then, should the clock be put right meanwhile.

    One that did so while rights were last brought in order is due at once: it is counted from when that began. Unix
    milliseconds.
    """
    change_ms = view.next_change_ms(rendered_ms)
    if change_ms is None:
        return _RENDER_SECONDS
    return min(_RENDER_SECONDS, max(0.0, (change_ms - now_ms) / 1000))


class RegisterFollower:
    """Brings streams, rights and ingresses to what the register says now, whenever that changes."""

    def __init__(
        self,
        enclave: EnclaveDir,
        servers: Servers,
        bus: NatsBus,
        directory: DirectoryService,
        clock: SystemClock,
        admit: Callable[[str], None],
    ) -> None:
        self._enclave = enclave
        self._servers = servers
        self._bus = bus
        self._directory = directory
        self._clock = clock
        self._admit = admit
        self._admitted: set[str] = set()
        self._rendered_ms = clock.now_ms()
        # Those that others run may have been started with anything.
        self._unloaded = isinstance(servers, OutsideServers)
        self._laid_out = True
        # Of the version that the server was started with: the newest that this broker had seen.
        started = directory_of(*enclave.load_known()).current.register
        self._parties = {p.token for p in started.parties}
        self._began = directory.directory.current.register
        self._warned: tuple[object, ...] | None = None

    async def run(self) -> None:
        """Follow new versions at once, and mandates as they begin and end, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    patience_seconds(
                        self._directory.directory.current, self._rendered_ms, self._clock.now_ms()
                    )
                ):
                    await self._directory.rights_changed.wait()
            self._directory.rights_changed.clear()
            if not await self.follow():
                await asyncio.sleep(1)

    async def follow(self) -> bool:
        """Come to what the register says; what cannot be reached is said, and due again."""
        try:
            await self.follow_once()
        except UnavailableError as error:
            _log.warning("register waits", cause=str(error))
            self._directory.rights_changed.set()
            return False
        return True

    async def follow_once(self) -> None:
        """Render, lay out, reload, and take in from parties that are new."""
        view, now_ms = self._directory.directory.current, self._clock.now_ms()
        self._rendered_ms = now_ms
        self._enclave.store_known(self._directory.objects)
        if render_config(self._enclave, view, now_ms):
            self._unloaded, self._laid_out = True, False
        self._take_in(self._parties & {p.token for p in view.register.parties})
        if self._unloaded:
            await self._load(view)
        if not self._laid_out:
            await lay_out(self._bus, view, now_ms)
            await remove_surplus(self._bus, view, now_ms)
            self._laid_out = True
        self._take_in({p.token for p in view.register.parties})
        self._warn(view, now_ms)

    def _take_in(self, parties: set[str]) -> None:
        """Begin to read the ingress of parties whose streams are there."""
        for token in sorted(parties - self._admitted):
            self._admitted.add(token)
            self._admit(token)

    async def _load(self, view: View) -> None:
        """Make the servers take what was rendered, first of all: what is taken away must not wait for what is given."""
        register = view.register
        parties = {p.token for p in register.parties}
        if await self._servers.lacking():
            _log.info("rights changed; reloading the server", register=register.version)
            await self._servers.reload()
            await self._until_loaded()
        if parties - self._parties:
            # The services that a new account imports answer nobody until the next reload (ADR 0011).
            await self._servers.reload()
        self._parties = parties
        self._unloaded = False

    async def _until_loaded(self) -> None:
        """Until every server says so; while it reloads it answers nobody. Raises ``UnavailableError`` otherwise."""
        lacking = ["the server"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOAD_SECONDS):
                while True:
                    with contextlib.suppress(UnavailableError):
                        lacking = await self._servers.lacking()
                        if not lacking:
                            return
                    await asyncio.sleep(_LOAD_STEP_SECONDS)
        raise UnavailableError(
            f"{', '.join(lacking)} does not load what was rendered ({self._enclave.nats_config}); see its log"
        )

    def _warn(self, view: View, now_ms: int) -> None:
        """Once a day that the register nears its end; once when it asks for more than there is, or than we can do."""
        register = view.register
        days = days_to_expiry(register, now_ms)
        short = [s for s in shortages(register, now_ms) if s.at_ms < now_ms + _FORESEEN_MS]
        state = (register.version, days, *(s.logs for s in short))
        if state == self._warned:
            return
        self._warned = state
        if days is not None:
            _log.warning("register expires", expires=register.expires.isoformat(), days=days)
        for shortage in short:
            _log.warning("too few witnesses", message=shortage.sentence(register.quorum))
        if names := left_out(self._enclave, view):
            _log.warning("no way in: the register names certificates, broker.toml asks for none", users=names)
        if register.ceiling != self._began.ceiling:
            _log.warning("the register names another ceiling; restart the broker for it")


async def take_submissions(enclave: EnclaveDir, directory: DirectoryService) -> None:
    """Take what an operator handed in on this machine, for ever."""
    while True:
        for path in enclave.handed_in():
            try:
                await directory.submit(decode_submission(path.read_bytes()))
            except (InvalidError, RefusedError) as error:
                _log.warning("register refused", file=path.name, message=str(error))
                enclave.take_submission(path, str(error))
            except (UnavailableError, OSError) as error:
                _log.warning("directory waits", cause=type(error).__name__)
            else:
                enclave.take_submission(path, None)
        await asyncio.sleep(_SUBMITTED_SECONDS)
