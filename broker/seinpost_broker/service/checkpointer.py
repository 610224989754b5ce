# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One log's checkpoints: signed within a second of an append and every 10 s when idle, cosigned, published.

**Custody.** A checkpoint is stored under a condition on the newest one before anyone else sees it: of two
brokers that race, the loser discards its own. Only what was read back from the stream, or acknowledged by
it, is signed; a stored checkpoint that is ahead of the stream, or that is not a prefix of it, stops the
broker: the stream lost or changed what was promised.

**Witnesses.** Nothing is published that a quorum did not cosign, so what a reader finds newest is usable.
With quorum 0 (no witnesses yet) the broker's own word is published.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from seinpost_broker.ports import AppendLostError, Checkpoints, Clock, Witnesses
from seinpost_schemas.checkpoint import Checkpoint, LogKeys, verify_checkpoint
from seinpost_schemas.cosignature import Witness, verify_cosignature
from seinpost_schemas.errors import InvalidError, SetupError, UnavailableError
from seinpost_schemas.limits import MAX_CHECKPOINTS_PER_SECOND
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, NoteSignature, parse_note
from seinpost_schemas.quorum import counted, witnesses_at
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import checkpoint_subject, custody_subject, hourly_subject
from seinpost_schemas.witnessing import WitnessRequest, decode_answer

ACTIVE_SECONDS = 1 / MAX_CHECKPOINTS_PER_SECOND
"""After a checkpoint, until the next of that log."""
_HOUR_MS = 3_600_000
_RETRY_SECONDS = 1.0
_ASK_SECONDS = 2.0
_GRACE_SECONDS = 0.05
"""After the quorum is there: how long the others may still add theirs."""
_log = structlog.get_logger("checkpointer")


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """What every log's checkpointer of an enclave shares."""

    keys: LogKeys
    register: Callable[[], Register]
    checkpoints: Checkpoints
    witnesses: Witnesses
    clock: Clock


class Checkpointer:
    """Signs and publishes the checkpoints of one log."""

    def __init__(
        self,
        origin: str,
        tree: MerkleTree,
        signing: Signing,
        *,
        catch_up: Callable[[], Awaitable[int]],
        idle_seconds: float = 10.0,
    ) -> None:
        self.origin = origin
        self._tree = tree
        self._signing = signing
        self._keys = signing.keys
        self._checkpoints = signing.checkpoints
        # Takes in what other brokers appended, soon if not at once; how many entries the stream holds.
        self._catch_up = catch_up
        self._idle_seconds = idle_seconds
        self._grew = asyncio.Event()
        self.on_published: Callable[[bytes, int], Awaitable[None]] = _nobody
        """Called with the note and its size when a checkpoint of ours is published."""
        self._kept_hour = -1
        self._custody_seq = 0
        self._signed = -1
        self._held: dict[str, int] = {}

    def grew(self) -> None:
        """The tree has grown: a checkpoint is due."""
        self._grew.set()

    async def open(self) -> None:
        """Hold the stored checkpoint against the stream; raises ``SetupError`` when it does not fit."""
        await self._take_custody()

    async def _take_custody(self) -> None:
        stored = await self._checkpoints.newest_checkpoint(custody_subject(self.origin))
        if stored is None:
            return
        seq, data = stored
        try:
            checkpoint, _ = verify_checkpoint(data, self.origin, self._keys.public)
        except InvalidError as error:
            raise SetupError(f"the stored checkpoint of {self.origin} does not verify: {error}") from None
        if checkpoint.tree_size > self._tree.size:
            # Signed by another broker, which is ahead of us; the stream must hold what it signed.
            stream_size = await self._catch_up()
            if checkpoint.tree_size > stream_size:
                raise SetupError(
                    f"the stored checkpoint of {self.origin} has {checkpoint.tree_size} entries, the stream "
                    f"{stream_size}: entries were lost; restore the stream from a replica or a back-up"
                )
        if checkpoint.tree_size > self._tree.size:
            self._custody_seq = seq
            return
        if self._tree.root(checkpoint.tree_size) != checkpoint.root_hash:
            raise SetupError(
                f"the stored checkpoint of {self.origin} is not of this stream: its first "
                f"{checkpoint.tree_size} entries were changed; restore it from a replica or a back-up"
            )
        self._custody_seq = seq

    async def run(self) -> None:
        """Sign and publish for ever; what cannot be reached is tried again."""
        while True:
            self._grew.clear()
            idle_seconds = _RETRY_SECONDS
            try:
                if await self.step():
                    idle_seconds = self._idle_seconds
            except UnavailableError as error:
                _log.warning("checkpoint waits", log=self.origin, cause=type(error).__name__)
            await asyncio.sleep(ACTIVE_SECONDS)
            try:
                async with asyncio.timeout(idle_seconds - ACTIVE_SECONDS):
                    await self._grew.wait()
            except TimeoutError:
                continue

    async def finish(self) -> bytes:
        """Sign, cosign and publish until what is published covers the whole log, which grows no more; that note."""
        while True:
            try:
                await self.step()
                newest = await self._checkpoints.newest_checkpoint(checkpoint_subject(self.origin))
                if newest is not None and self._is_whole(newest[1]):
                    return newest[1]
            except UnavailableError as error:
                _log.warning("last checkpoint waits", log=self.origin, cause=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    def _is_whole(self, data: bytes) -> bool:
        checkpoint, _ = verify_checkpoint(data, self.origin, self._keys.public)
        whole = (checkpoint.tree_size, checkpoint.root_hash) == (self._tree.size, self._tree.root())
        register = self._signing.register()
        by = counted(register, parse_note(data), checkpoint)
        return whole and len(by) >= register.quorum

    async def step(self) -> bool:
        """One checkpoint over everything stored so far: signed, in custody, cosigned, published.

        Whether that much was reached: by us, or by another broker.
        """
        await self._catch_up()
        checkpoint = Checkpoint(self.origin, self._tree.size, self._tree.root())
        data = self._keys.sign(checkpoint, self._signing.clock.now_ms() // 1000)
        try:
            self._custody_seq = await self._checkpoints.store_checkpoint(
                custody_subject(self.origin), data, self._custody_seq
            )
        except AppendLostError:
            # Another broker signed first: its checkpoint stands, ours was seen by nobody.
            await self._take_custody()
            return True
        note = parse_note(data)
        register = self._signing.register()
        if register.quorum:
            cosignatures = await self._gather(register, checkpoint, data)
            if len(cosignatures) < register.quorum:
                _log.warning(
                    "no quorum",
                    log=self.origin,
                    size=checkpoint.tree_size,
                    cosigned=len(cosignatures),
                    quorum=register.quorum,
                )
                return False
            note = Note(note.text, (*note.signatures, *(x for pair in cosignatures for x in pair)))
        await self._publish(note, checkpoint, register)
        return True

    async def _publish(self, note: Note, checkpoint: Checkpoint, register: Register) -> None:
        subject = checkpoint_subject(self.origin)
        for _ in range(3):
            newest = await self._checkpoints.newest_checkpoint(subject)
            if newest is not None and self._is_newer(newest[1], checkpoint, register, note):
                return
            try:
                seq = newest[0] if newest else 0
                await self._checkpoints.store_checkpoint(subject, note.encode(), seq)
            except AppendLostError:
                continue
            await self._keep_hourly(note)
            await self.on_published(note.encode(), checkpoint.tree_size)
            return

    async def _keep_hourly(self, note: Note) -> None:
        """Keep the first one of each hour for good; of several brokers one does."""
        hour = self._signing.clock.now_ms() // _HOUR_MS
        if hour == self._kept_hour:
            return
        subject = hourly_subject(self.origin)
        newest = await self._checkpoints.newest_checkpoint(subject)
        if newest is not None:
            _, timestamp = verify_checkpoint(newest[1], self.origin, self._keys.public)
            if timestamp * 1000 // _HOUR_MS == hour:
                self._kept_hour = hour
                return
        with contextlib.suppress(AppendLostError):
            await self._checkpoints.store_checkpoint(subject, note.encode(), newest[0] if newest else 0)
        self._kept_hour = hour

    def _is_newer(self, data: bytes, checkpoint: Checkpoint, register: Register, note: Note) -> bool:
        """Whether what is published is beyond ours: larger, or as large and cosigned later."""
        published, _ = verify_checkpoint(data, self.origin, self._keys.public)
        if published.tree_size != checkpoint.tree_size:
            return published.tree_size > checkpoint.tree_size
        theirs = sorted(counted(register, parse_note(data), published).values())
        ours = sorted(counted(register, note, checkpoint).values())
        return bool(ours) and theirs >= ours

    # -- witnesses --------------------------------------------------------------------------------

    async def _gather(
        self, register: Register, checkpoint: Checkpoint, note: bytes
    ) -> list[tuple[NoteSignature, ...]]:
        """Cosignature lines by witness: all who answer in time, at least waiting for the quorum.

        Only those are asked whose word counts now: their mandate covers this log.
        """
        asked = witnesses_at(register, self.origin, self._signing.clock.now_ms())
        asks = {
            asyncio.ensure_future(self._ask(entry.party, cosigner, checkpoint, note))
            for entry, cosigner in zip(register.witnesses, register.cosigners, strict=True)
            if entry in asked
        }
        found: list[tuple[NoteSignature, ...]] = []
        try:
            while asks:
                grace = _GRACE_SECONDS if len(found) >= register.quorum else None
                done, asks = await asyncio.wait(asks, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                found += [lines for task in done if (lines := task.result())]
        finally:
            for ask in asks:
                ask.cancel()
        return found

    async def _ask(
        self, party: str, cosigner: Witness, checkpoint: Checkpoint, note: bytes
    ) -> tuple[NoteSignature, ...]:
        """A witness's two lines, verified; none when it does not answer, or not well."""
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                for _ in range(2):
                    old = min(self._held.get(cosigner.name, 0), checkpoint.tree_size)
                    proof = tuple(self._tree.consistency_proof(old, checkpoint.tree_size))
                    request = WitnessRequest(old, proof, note).encode()
                    answer = decode_answer(await self._signing.witnesses.ask(party, request))
                    if answer.status != 409:
                        break
                    held = self._held[cosigner.name] = answer.size()
                    if held > checkpoint.tree_size:
                        return ()
                if answer.status != 200:
                    _log.warning(
                        "witness refuses", log=self.origin, witness=cosigner.name, status=answer.status
                    )
                    return ()
                lines = tuple(s for s in answer.signatures() if s.name == cosigner.name)
                if verify_cosignature(lines, checkpoint, cosigner) is None:
                    return ()
                self._held[cosigner.name] = checkpoint.tree_size
                return lines[:2]
        except (UnavailableError, TimeoutError):
            return ()
        except InvalidError as error:
            _log.warning("witness answers badly", log=self.origin, witness=cosigner.name, cause=str(error))
            return ()


async def _nobody(_note: bytes, _size: int) -> None:
    """Nobody waits for what is published."""
