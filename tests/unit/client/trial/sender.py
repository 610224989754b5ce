# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A sender as the library runs it, and a broker that decides with the real core; memory between them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from seinpost._directory import DirectoryFollower, monotonic_ms, wall_ms
from seinpost._lane import Lane
from seinpost._outgoing import Outgoing, signals_for
from seinpost._reading_state import ReadingState
from seinpost._sending_state import SendingState
from seinpost._signing_thread import SigningThread
from seinpost.answer import Answer
from seinpost.epochs import EpochSecrets, open_epoch
from seinpost.identity import Identity
from seinpost.sealing import open_verified
from seinpost_broker.core.compartment_log import Admit, Ahead, CompartmentLog
from seinpost_schemas.answer import BrokerAnswer, head_of
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import Envelope, decode_envelope, verify_envelope
from seinpost_schemas.errors import InvalidError, Reason, RefusedError
from seinpost_schemas.kinds import SEALED, Kind
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.subjects import parse_ingress_subject
from seinpost_schemas.uuid7 import format_id

from .enclave import PROCESS, TrialEnclave, identity
from .network import MemoryTransport
from .reader import until

Refuse = Callable[[Envelope], Reason | None]


class TrialBroker:
    """Takes what was sent, in order, and answers as a broker does."""

    def __init__(self, enclave: TrialEnclave, transport: MemoryTransport, sender: Identity) -> None:
        self._enclave = enclave
        self._transport = transport
        self._sender = sender
        self._logs: dict[Compartment, CompartmentLog] = {}
        self._taken = 0
        self._held: list[tuple[str, Envelope]] = []
        self.refuse: Refuse = lambda _: None
        """Refuses instead of deciding, when it gives a reason."""
        self.admitted: list[Envelope] = []
        self.answers: list[BrokerAnswer] = []

    @property
    def envelopes(self) -> list[Envelope]:
        """Everything that was sent, each time it was."""
        return [decode_envelope(data) for _, data in self._transport.sent]

    def take(self) -> list[BrokerAnswer]:
        """Decide on everything that came since."""
        new = self._transport.sent[self._taken :]
        self._taken += len(new)
        todo = self._held + [(subject, decode_envelope(data)) for subject, data in new]
        self._held = []
        answers = [a for subject, envelope in todo if (a := self._decide(subject, envelope)) is not None]
        self.answers += answers
        return answers

    def _decide(self, subject: str, envelope: Envelope) -> BrokerAnswer | None:
        compartment, action, _ = parse_ingress_subject(subject)
        log = self._logs.setdefault(compartment, CompartmentLog(compartment))
        directory = self._enclave.directory()
        member = directory.current.member(envelope.header.sender_id)
        verify_envelope(envelope, member.verifying)
        try:
            if (reason := self.refuse(envelope)) is not None:
                raise RefusedError(reason, "for this test", "Wet X")
            decision = log.decide(envelope, member, action, directory, wall_ms())
        except (RefusedError, InvalidError) as error:
            log.note_refusal(envelope)
            head = log.head(envelope.header.sender_id)
            reason = error.reason if isinstance(error, RefusedError) else Reason.MALFORMED
            return self._answer(
                envelope,
                "refused",
                reason=reason,
                message=str(error),
                basis=getattr(error, "basis", None),
                head=head_of(head.header_bytes, head.signature) if head else None,
            )
        if isinstance(decision, Ahead):
            self._held.append((subject, envelope))
            return None
        if isinstance(decision, Admit):
            leaf = CompartmentLog.leaf_of(decision.entry)
            log.apply(decision.entry, envelope.signature, envelope.body, directory.current, leaf=leaf)
            log.confirm()
            self.admitted.append(envelope)
            admitted_ms = decision.entry.admitted_ms
        else:
            admitted_ms = decision.admitted_ms
        return self._answer(
            envelope, "admitted", period="2026q4", index=decision.index, admitted_ms=admitted_ms
        )

    @staticmethod
    def _answer(envelope: Envelope, verdict: str, **fields: Any) -> BrokerAnswer:
        return BrokerAnswer(
            object=envelope.object_hash.hex(),
            sender=envelope.header.sender_id.hex(),
            compartment=str(envelope.header.compartment),
            verdict=verdict,  # type: ignore[arg-type]
            **fields,
        )

    def batches(self, *, admitted: bool = True) -> list[list[str]]:
        """The signal ids in each sealed envelope, opened as the sender's own party reads them."""
        secrets: dict[bytes, EpochSecrets] = {}
        found = []
        for envelope in self.admitted if admitted else self.envelopes:
            if envelope.header.kind == Kind.EPOCH:
                opened = open_epoch(envelope, self._sender.kem, read_protected=False)
                assert opened is not None
                secrets[opened.epoch_id] = opened
            elif envelope.header.kind in SEALED:
                batch = open_verified(envelope, secrets[envelope.header.epoch_id])
                found.append([format_id(s.id) for s in batch.signals])
        return found


class TrialSender:
    """One lane of one identity, running; answers come when ``settle`` is called."""

    def __init__(self, enclave: TrialEnclave, path: Path, who: Identity | None = None) -> None:
        self.enclave = enclave
        self.identity = who or identity("ncsc-1")
        self.transport = MemoryTransport(enclave)
        self.broker = TrialBroker(enclave, self.transport, self.identity)
        self._path = path
        self._floor = ReadingState(path, self.identity.storage_key)
        self.state = SendingState(path)
        self.follower = DirectoryFollower(enclave.enclave_id, self.transport, self._floor)
        self.follow()
        self.fresh()
        self.signing = SigningThread(self.identity.signing)
        self.lane = self._new_lane()
        self.task: asyncio.Task[None] | None = None

    def _new_lane(self, compartment: Compartment = PROCESS) -> Lane:
        return Lane(
            compartment,
            identity=self.identity,
            directory=self.follower,
            transport=self.transport,
            state=self.state,
            signing=self.signing,
        )

    def follow(self) -> None:
        """Let the sender's directory catch up."""
        self.enclave.feed(self.follower.directory)

    def fresh(self) -> None:
        """A checkpoint of just now."""
        self.follower.freshness.saw(wall_ms() // 1000 + 1, monotonic_ms(), wall_ms())

    def start(self) -> None:
        """Let the lane send."""
        self.task = asyncio.ensure_future(self.lane.run())

    def put(self, *signals: EncodedSignal, audience: str = "all") -> list[asyncio.Future[Answer]]:
        """Queue signals; their answers."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Answer]] = []
        for signal in signals:
            future: asyncio.Future[Answer] = loop.create_future()
            self.lane.put(Outgoing(signal, format_id(signal.id), signals_for(audience), future, signal.size))
            futures.append(future)
        return futures

    def answer(self) -> int:
        """Give the lane what the broker says of what came so far; how many answers that was."""
        answers = self.broker.take()
        for answer in answers:
            self.lane.take_answer(answer)
        return len(answers)

    async def settle(self, *futures: asyncio.Future[Answer]) -> list[Answer | BaseException]:
        """Answer until these are answered."""

        def step() -> bool:
            assert self.task is None or not self.task.done(), "the lane has ended"
            self.answer()
            return all(f.done() for f in futures)

        await until(step)
        return [f.exception() or f.result() for f in futures]

    async def sent(self, count: int) -> None:
        """Until so many envelopes were sent, without an answer to any."""
        await until(lambda: len(self.transport.sent) >= count)

    async def quiet(self) -> int:
        """Give everything many turns; how many envelopes were sent by then."""
        for _ in range(60):
            await asyncio.sleep(0.001)
        return len(self.transport.sent)

    async def restart(self) -> None:
        """End as a killed process would, and begin anew from what is on disk."""
        await self.stop()
        self.state = SendingState(self._path)
        self.lane = self._new_lane()

    def resumed(self, path: Path, broker: TrialBroker) -> TrialSender:
        """The same sender, ended before, going on from other files with another broker."""
        made = copy.copy(self)
        made._path, made.broker, made.transport = path, broker, broker._transport
        made.state, made.task = SendingState(path), None
        made.lane = made._new_lane()
        return made

    async def stop(self) -> None:
        """End the lane and close the files."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
            self.task = None
        self.lane.fail(RuntimeError("the test is over"))
        self.state.close()

    async def close(self) -> None:
        """At the end of a test."""
        await self.stop()
        self._floor.close()
        self.signing.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
            task.cancel()
        await asyncio.sleep(0)


def change_header(envelope: Envelope, **change: Any) -> Envelope:
    """The envelope with another header, unsigned."""
    header = msgspec.structs.replace(envelope.header, **change)
    return msgspec.structs.replace(envelope, header=header, header_bytes=header.encode())
