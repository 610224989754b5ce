# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A dishonest broker: it holds the hub's credentials and the log's keys, and rewrites what is stored and signed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import seinpost
from seinpost.connection import Connection
from seinpost.identity import load_identity, read_passphrase_file
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.app import lay_out
from seinpost_broker.ports import StoredMessage
from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import ENTRY_HEADER, SIGNATURE_HEADER, from_base64
from seinpost_schemas.merkle import leaf_hash
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    checkpoint_subject,
    feed_stream,
    feed_subject,
    log_origin,
)
from seinpost_schemas.witnessing import WitnessAnswer, WitnessRequest, decode_answer

from .enclave import Enclave
from .raw import hub

_numbers = itertools.count()


def ahead() -> int:
    """Unix seconds, newer than what anyone honest signs for the next minutes, and within what a clock may be off."""
    return int(time.time()) + 300


class Dishonest:
    """What it can do to one compartment's log."""

    def __init__(self, enclave: Enclave, bus: NatsBus, compartment: Compartment) -> None:
        self.enclave = enclave
        self.compartment = compartment
        self.view = enclave.trusted_directory().current
        self.register: Register = self.view.register
        self.period = self.register.periods.current
        self.origin = log_origin(self.register.enclave, self.period, compartment)
        self.stream = feed_stream(self.period, compartment)
        self._subject = feed_subject(self.period, compartment)
        self._bus = bus
        self._seed, self.log_keys = enclave.directory.load_secrets()

    async def entries(self) -> list[StoredMessage]:
        """The log as it is stored."""
        return [m async for m in self._bus.read(self.stream, 1)]

    async def rewrite(self, messages: Sequence[StoredMessage]) -> None:
        """Make the stream hold these messages instead, in this order; a stream denies deletes, not its own end."""
        await self._bus._js.delete_stream(self.stream)
        await lay_out(self._bus, self.view, int(self.register.issued.timestamp() * 1000) + 1)
        for message in messages:
            headers = {k: v for k, v in message.headers.items() if k in KEPT}
            await self._bus._js.publish(self._subject, message.body, headers=headers)

    def tree(self, messages: Sequence[StoredMessage]) -> MerkleTree:
        """The tree over these entries."""
        tree = MerkleTree()
        for message in messages:
            tree.append(leaf_hash(from_base64(message.headers[ENTRY_HEADER], 1_000)))
        return tree

    def checkpoint(self, tree: MerkleTree, origin: str | None = None, size: int | None = None) -> Checkpoint:
        """What is to be signed of a tree, or of its beginning."""
        size = tree.size if size is None else size
        return Checkpoint(origin or self.origin, size, tree.root(size))

    def sign(
        self,
        tree: MerkleTree,
        timestamp: int,
        witnesses: Sequence[str],
        origin: str | None = None,
        size: int | None = None,
    ) -> bytes:
        """A checkpoint of a tree, or of its beginning, by the log and by witnesses that sign anything."""
        checkpoint = self.checkpoint(tree, origin, size)
        note = parse_note(self.log_keys.sign(checkpoint, timestamp))
        lines = []
        for party in witnesses:
            lines += self._witness(party).cosign(checkpoint, timestamp)
        return Note(note.text, (*note.signatures, *lines)).encode()

    @functools.cache  # noqa: B019 - it is as short-lived as what it keeps; unlocking a key takes a second
    def _witness(self, party: str) -> WitnessKeys:
        folder = self.enclave.path / "identities"
        passphrase = read_passphrase_file(folder / f"{party}-witness.pass")
        return load_identity(folder / f"{party}-witness.key", passphrase).witness_keys(self.register.enclave)

    async def ask(
        self, party: str, old_size: int, tree: MerkleTree, size: int, origin: str | None = None
    ) -> WitnessAnswer:
        """What a witness that runs says to the first ``size`` entries of a tree, from ``old_size`` on."""
        note = self.log_keys.sign(self.checkpoint(tree, origin, size), int(time.time()))
        proof = tuple(tree.consistency_proof(old_size, size))
        return decode_answer(await self._bus.ask(party, WitnessRequest(old_size, proof, note).encode()))

    async def publish(self, note: bytes, origin: str | None = None) -> None:
        """Show a checkpoint to whoever asks from now on."""
        subject = checkpoint_subject(origin or self.origin)
        stored = await self._bus.newest_checkpoint(subject)
        await self._bus.store_checkpoint(subject, note, stored[0] if stored else 0)

    async def forget_checkpoints(self) -> None:
        """Show no checkpoint of this log any more."""
        await self._bus._js.purge_stream(CHECKPOINTS_STREAM, subject=checkpoint_subject(self.origin))

    async def published(self) -> bytes:
        """The checkpoint that is shown now."""
        stored = await self._bus.newest_checkpoint(checkpoint_subject(self.origin))
        assert stored is not None
        return stored[1]


KEPT = (ENTRY_HEADER, SIGNATURE_HEADER)


@contextlib.asynccontextmanager
async def dishonest(enclave: Enclave, compartment: str) -> AsyncIterator[Dishonest]:
    """The hub in dishonest hands."""
    seed, _ = enclave.directory.load_secrets()
    async with hub(enclave.url, seed) as bus:
        yield Dishonest(enclave, bus, Compartment.parse(compartment))


class FreshReader:
    """A party that never read before, reading in the background; ``follow`` begins."""

    def __init__(self, connection: Connection, sizes: dict[str, int]) -> None:
        self.connection = connection
        self._sizes = sizes
        self.deliveries: list[seinpost.Delivery] = []

    @property
    def codes(self) -> list[str]:
        """The alarms' names, each once, in order of their first coming."""
        return list(dict.fromkeys(a.code for a in self.connection.alarms))

    @property
    def audited(self) -> list[int]:
        """The indexes of the signals that are shown as audited."""
        return [d.index for d in self.deliveries if self.connection.status(d) == "audited"]

    def go_on_showing(self, origin: str, note: Callable[[], bytes]) -> None:
        """Show this reader these checkpoints of a log, whatever others are shown: the server may."""
        transport: Any = self.connection._connected
        read_last, subject = transport.read_last, checkpoint_subject(origin)

        async def shown(asked: str) -> bytes | None:
            found: bytes | None = note() if asked.endswith(subject) else await read_last(asked)
            return found

        transport.read_last = shown

    async def read(self) -> None:
        async for delivery in self.connection.signals():
            self.deliveries.append(delivery)

    async def alarm(self, code: str, seconds: float = 30.0) -> seinpost.Alarm:
        """Wait for an alarm of this name."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := [a for a in self.connection.alarms if a.code == code]):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no alarm {code}, but {self.codes} and audited {self.audited}") from None
        return found[0]

    async def until_audited(self, count: int, seconds: float = 30.0) -> None:
        """Wait until so many signals are audited."""
        async with asyncio.timeout(seconds):
            while len(self.audited) < count:
                await asyncio.sleep(0.02)

    async def until_audited_size(self, compartment: str, size: int, seconds: float = 30.0) -> None:
        """Wait until a checkpoint over so many entries was accepted."""
        async with asyncio.timeout(seconds):
            while self._sizes.get(compartment, 0) < size:
                await asyncio.sleep(0.02)


async def _no_prekeys(_subscriber: object) -> None:
    """One identity's readers with different states share the key that its file holds."""


@contextlib.asynccontextmanager
async def fresh_reader(enclave: Enclave, party: str, folder: Path) -> AsyncIterator[FreshReader]:
    """A reader with a state of its own, which tells nobody what it read, and states no KEM key that others lack."""
    number = next(_numbers)
    text = enclave.config(party).read_text()
    lines = [x for x in text.splitlines() if not x.startswith("state")]
    config = enclave.path / f"{party}-{number}.toml"
    config.write_text("\n".join([*lines, f'state = "{folder}/state-{number}"', ""]))
    sizes: dict[str, int] = {}
    connecting = seinpost.connect(
        config,
        on_alarm=lambda _: None,
        on_audited=lambda a: sizes.update({str(a.compartment): a.size}),
        receipts=False,
    )
    connecting._keep_prekeys = _no_prekeys  # type: ignore[method-assign]
    async with connecting as connection:
        reader = FreshReader(connection, sizes)
        task = asyncio.ensure_future(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.wait({task})
