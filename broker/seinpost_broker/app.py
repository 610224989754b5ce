# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The composition root: from an enclave's directory to a running broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from seinpost_broker.adapters.channel import load_channel
from seinpost_broker.adapters.enclave_dir import EnclaveDir, directory_of, lock_directory, mark_served
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.adapters.nats_server import NatsServer, notify_ready, verify_config
from seinpost_broker.adapters.snapshot_files import SnapshotFiles
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.adapters.trial_witnesses import TrialWitnesses, find_configs
from seinpost_broker.register_follower import (
    RegisterFollower,
    lay_out,
    render_config,
    servers_of,
    take_submissions,
)
from seinpost_broker.service.admission import AdmissionService
from seinpost_broker.service.checkpointer import Checkpointer, Signing
from seinpost_broker.service.directory import DirectoryService
from seinpost_broker.service.ingress import IngressService
from seinpost_broker.service.periods import Parts, Periods
from seinpost_broker.stopping import SERVICE
from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.errors import SetupError
from seinpost_schemas.subjects import admission_origin, directory_origin

_SNAPSHOT_SECONDS = 60.0
_SNAPSHOT_ENTRIES = 20_000
_log = structlog.get_logger("broker")


async def serve(enclave: EnclaveDir, ready: Callable[[str], None], *, witnesses: bool = True) -> None:
    """Run a broker until cancelled. ``ready`` is called with the server's URL once signals are admitted.

    With a nats-server of our own it runs the witnesses too whose identities are still here, if ``witnesses``.

    Raises ``SetupError`` for keys, register, configuration or port, ``UnavailableError`` for a NATS that
    is not there.
    """
    config = enclave.load_config()
    seed, log_keys = enclave.load_secrets()
    enclave_id, objects = enclave.load_founding()
    _, known = enclave.load_known()
    clock = SystemClock()
    # The newest version seen: what it took away must not come back for the while that a start takes.
    newest = directory_of(enclave_id, known).current
    server: NatsServer | None = None
    channel, url = load_channel(config.tls), config.url
    if not config.server:
        lock_directory(enclave.path)
        render_config(enclave, newest, clock.now_ms())
        verify_config(enclave.nats_config)
        server = NatsServer(enclave.nats_config, enclave.path / "nats" / "nats.log", config.host, config.port)
        await server.start()
    try:
        bus = await NatsBus.connect(url, seed, channel)
        try:
            await lay_out(bus, newest, clock.now_ms())
            directory = DirectoryService(enclave_id, store=bus, clock=clock)
            await directory.found(objects)
            if len(directory.objects) < len(known):
                raise SetupError(
                    f"the directory log holds {len(directory.objects)} objects, and this broker has seen "
                    f"{len(known)}: it was rolled back; restore the newest"
                )
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
    signing = Signing(
        keys=log_keys,
        register=lambda: directory.directory.current.register,
        checkpoints=bus,
        witnesses=bus,
        clock=clock,
    )
    admission = AdmissionService(directory=directory.directory, store=bus, clock=clock)
    await admission.load()
    enclave_name = view.register.enclave
    # Senders rest their freshness on the directory's: its checkpoints come twice as often.
    of_directory = Checkpointer(
        directory_origin(enclave_name), directory.tree, signing, catch_up=directory.load, idle_seconds=5.0
    )
    of_admission = Checkpointer(
        admission_origin(enclave_name), admission.tree, signing, catch_up=admission.load
    )
    admission.on_growth = of_admission.grew
    await of_directory.open()
    await of_admission.open()
    parts = Parts(
        directory=directory,
        store=bus,
        answers=bus,
        clock=clock,
        signing=signing,
        snapshots=SnapshotFiles(enclave.path / "snapshots"),
        refusals=admission.note,
        on_progress=_say_progress,
    )
    logs = Periods(all_compartments(view.register.ceiling_level), parts)
    await logs.load()
    async with asyncio.TaskGroup() as group:

        def admit(party: str) -> None:
            service = IngressService(
                party,
                ingress=bus,
                directory=directory,
                sequencers=logs.sequencers,
                answers=bus,
                refusals=admission.note,
            )
            group.create_task(service.run(), name=SERVICE)

        servers = servers_of(enclave, bus, server)
        follower = RegisterFollower(enclave, servers, bus, directory, clock, admit)
        group.create_task(of_directory.run(), name=SERVICE)
        group.create_task(of_admission.run(), name=SERVICE)
        group.create_task(directory.run(), name=SERVICE)
        group.create_task(admission.run(), name=SERVICE)
        group.create_task(logs.store_snapshots(_SNAPSHOT_ENTRIES, _SNAPSHOT_SECONDS), name=SERVICE)
        if server is not None:
            group.create_task(server.supervise(), name=SERVICE)

        def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            return group.create_task(work, name=SERVICE)

        logs.start(start)
        start(logs.run(start))
        await follower.follow()
        group.create_task(follower.run(), name=SERVICE)
        mark_served(enclave.path)
        group.create_task(take_submissions(enclave, directory), name=SERVICE)
        _log.info(
            "admitting",
            enclave=enclave_name,
            register=view.register.version,
            period=view.register.periods.current,
        )
        notify_ready()
        ready()


def _say_progress(stream: str, read: int, all_: int) -> None:
    _log.info("reading a log", stream=stream, entries=read, of=all_)
