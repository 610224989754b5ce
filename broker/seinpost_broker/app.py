# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The composition root: from an enclave's directory to a running broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from seinpost_broker.adapters.enclave_dir import EnclaveDir, directory_of, lock_directory
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.adapters.nats_server import PID_FILE, NatsServer, notify_ready, verify_config
from seinpost_broker.adapters.snapshot_files import SnapshotFiles
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.adapters.trial_witnesses import TrialWitnesses, find_configs
from seinpost_broker.core import layout, nats_config
from seinpost_broker.ports import Snapshots
from seinpost_broker.service.admission import AdmissionService
from seinpost_broker.service.checkpointer import Checkpointer, Signing
from seinpost_broker.service.directory import DirectoryService
from seinpost_broker.service.ingress import IngressService
from seinpost_broker.service.prover import Prover
from seinpost_broker.service.sequencer import Sequencer
from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.errors import UnavailableError
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.policy import View
from seinpost_schemas.subjects import admission_origin, directory_origin, log_origin

_RENDER_SECONDS = 20.0
_SNAPSHOT_SECONDS = 60.0
_SNAPSHOT_ENTRIES = 20_000
_log = structlog.get_logger("broker")


def render_config(enclave: EnclaveDir, view: View, now_ms: int) -> bool:
    """Write nats.conf from the register; whether it changed."""
    config = enclave.load_config()
    server = nats_config.Server(
        name=f"{view.register.enclave}-{config.name}",
        listen=f"{config.host}:{config.port}",
        store_dir=str(enclave.jetstream.resolve()),
        pid_file=str(enclave.nats_config.resolve().parent / PID_FILE),
    )
    text = nats_config.render(view, server, now_ms)
    before = enclave.nats_config.read_text() if enclave.nats_config.exists() else ""
    if text != before:
        enclave.write("nats/nats.conf", text)
    return text != before


async def serve(enclave: EnclaveDir, ready: Callable[[str], None], *, witnesses: bool = True) -> None:
    """Run a broker until cancelled. ``ready`` is called with the server's URL once signals are admitted.

    With a nats-server of our own it runs the witnesses too whose identities are still here, if ``witnesses``.

    Raises ``SetupError`` for keys, register, configuration or port, ``UnavailableError`` for a NATS that
    is not there.
    """
    config = enclave.load_config()
    seed, log_keys = enclave.load_secrets()
    enclave_id, objects = enclave.load_founding()
    clock = SystemClock()
    founding = directory_of(enclave_id, objects).current
    server: NatsServer | None = None
    url = config.server
    if not url:
        lock_directory(enclave.path)
        url = f"nats://{config.host}:{config.port}"
        render_config(enclave, founding, clock.now_ms())
        verify_config(enclave.nats_config)
        server = NatsServer(enclave.nats_config, enclave.path / "nats" / "nats.log", config.host, config.port)
        await server.start()
    try:
        bus = await NatsBus.connect(url, seed)
        try:
            await lay_out(bus, founding, clock.now_ms())
            directory = DirectoryService(enclave_id, store=bus, clock=clock)
            await directory.found(objects)
            configs = find_configs(enclave.path) if server is not None and witnesses else []
            trial = TrialWitnesses(configs, enclave.path / "witnesses.log")
            witnessing = asyncio.ensure_future(trial.supervise())
            try:
                await _run(enclave, bus, server, directory, clock, log_keys, lambda: ready(url))
            finally:
                witnessing.cancel()
                await asyncio.wait({witnessing})
        finally:
            await bus.close()
    finally:
        if server is not None:
            await server.stop()


async def lay_out(bus: NatsBus, view: View, now_ms: int) -> None:
    """Make every stream and consumer that the register asks for."""
    for stream in layout.streams(view.register):
        await bus.ensure_stream(stream)
    for consumer in layout.consumers(view, now_ms):
        await bus.ensure_consumer(consumer)


async def _run(
    enclave: EnclaveDir,
    bus: NatsBus,
    server: NatsServer | None,
    directory: DirectoryService,
    clock: SystemClock,
    log_keys: LogKeys,
    ready: Callable[[], None],
) -> None:
    view = directory.directory.current
    period = view.register.periods.current
    admission = AdmissionService(directory=directory.directory, store=bus, clock=clock)
    await admission.load()
    sequencers = {
        c: Sequencer(
            c,
            period,
            directory=directory.directory,
            store=bus,
            answers=bus,
            clock=clock,
            refusals=admission.note,
        )
        for c in all_compartments(view.register.ceiling_level)
    }
    snapshots = SnapshotFiles(enclave.path / "snapshots")
    for sequencer in sequencers.values():
        sequencer.on_progress = _say_progress
        await sequencer.restore(snapshots)
        await sequencer.load()

    signing = Signing(
        keys=log_keys,
        register=lambda: directory.directory.current.register,
        checkpoints=bus,
        witnesses=bus,
        clock=clock,
    )

    def checkpointer(
        origin: str, tree: MerkleTree, catch_up: Callable[[], Awaitable[int]], idle_seconds: float = 10.0
    ) -> Checkpointer:
        return Checkpointer(origin, tree, signing, catch_up=catch_up, idle_seconds=idle_seconds)

    enclave_name = view.register.enclave
    # Senders rest their freshness on the directory's: its checkpoints come twice as often.
    checkpointers = [checkpointer(directory_origin(enclave_name), directory.tree, directory.load, 5.0)]
    refused = checkpointer(admission_origin(enclave_name), admission.tree, admission.load)
    admission.on_growth = refused.grew
    checkpointers.append(refused)
    for compartment, sequencer in sequencers.items():
        origin = log_origin(enclave_name, period, compartment)
        log = checkpointer(origin, sequencer.log.tree, sequencer.catch_up)
        sequencer.on_growth = log.grew
        prover = Prover(sequencer.log, period, directory=directory.directory, answers=bus)
        prover.restart(clock.now_ms())
        log.on_published = prover.published
        checkpointers.append(log)
    for log in checkpointers:
        await log.open()
    async with asyncio.TaskGroup() as group:
        for log in checkpointers:
            group.create_task(log.run())
        group.create_task(directory.run())
        group.create_task(admission.run())
        group.create_task(_store_snapshots(list(sequencers.values()), snapshots))
        if server is not None:
            group.create_task(server.supervise())
            group.create_task(_render_again(enclave, server, bus, directory, clock))
        for sequencer in sequencers.values():
            group.create_task(sequencer.run())
        for party in view.register.parties:
            service = IngressService(
                party.token,
                ingress=bus,
                directory=directory,
                sequencers=sequencers,
                answers=bus,
                refusals=admission.note,
            )
            group.create_task(service.run())
        _log.info("admitting", enclave=view.register.enclave, register=view.register.version, period=period)
        notify_ready()
        ready()


def _say_progress(stream: str, read: int, all_: int) -> None:
    _log.info("reading a log", stream=stream, entries=read, of=all_)


async def _store_snapshots(sequencers: list[Sequencer], snapshots: Snapshots) -> None:
    """Store each log's state when it has grown by so much that reading it again would take seconds."""
    while True:
        for sequencer in sequencers:
            if sequencer.log.size - sequencer.stored_size >= _SNAPSHOT_ENTRIES:
                try:
                    await sequencer.store(snapshots)
                except UnavailableError as error:
                    _log.warning("snapshot not stored", cause=str(error))
        await asyncio.sleep(_SNAPSHOT_SECONDS)


async def _render_again(
    enclave: EnclaveDir, server: NatsServer, bus: NatsBus, directory: DirectoryService, clock: SystemClock
) -> None:
    """Follow mandates as they begin and end: render, lay out, reload."""
    while True:
        await asyncio.sleep(_RENDER_SECONDS)
        view = directory.directory.current
        if render_config(enclave, view, clock.now_ms()):
            _log.info("rights changed; reloading the server")
            with contextlib.suppress(UnavailableError):
                await lay_out(bus, view, clock.now_ms())
            server.reload()
