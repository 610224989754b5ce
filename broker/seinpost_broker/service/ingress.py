# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""From a party's ingress stream to the right sequencer: decode, find the sender, verify, hand over.

Order: sizes and format → subject against header → sender at the current directory → both signature halves
and body hash. The content is never looked at: the broker cannot open it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping

import structlog

from seinpost_broker.ports import Answers, Ingress, IngressMessage
from seinpost_schemas.answer import BrokerAnswer
from seinpost_schemas.compartment import Compartment, refuse_state_secret
from seinpost_schemas.envelope import PREFIX_BYTES, Envelope, decode_envelope, verify_envelope
from seinpost_schemas.errors import InvalidError, Reason, RefusedError, UnavailableError
from seinpost_schemas.header import HEADER_BYTES, object_hash, verify_enclave
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import Member
from seinpost_schemas.quota import DEFAULT, Quota
from seinpost_schemas.statements import is_statement
from seinpost_schemas.subjects import directory_ingress_subject, parse_ingress_subject
from seinpost_schemas.submission import decode_submission

from .answering import Item
from .directory import DirectoryService
from .sequencer import Sequencer, describe

_FETCH = 64
_log = structlog.get_logger("ingress")


class IngressService:
    """Takes one party's envelopes in, for ever."""

    def __init__(
        self,
        party: str,
        *,
        ingress: Ingress,
        directory: DirectoryService,
        sequencers: Mapping[Compartment, Sequencer],
        answers: Answers,
        refusals: Callable[[str, bytes, Reason], None] = lambda _party, _refused, _reason: None,
    ) -> None:
        self._refusals = refusals
        self._party = party
        self._ingress = ingress
        self._directory = directory
        self._sequencers = sequencers
        self._answers = answers
        self._room: float = self._quota().burst_bytes
        self._held = False
        self._filled = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Fetch and handle until cancelled; an unreachable server is tried again."""
        while True:
            try:
                for message in await self._ingress.fetch(self._party, _FETCH):
                    await self._keep_to_its_rate(max(len(message.data), PREFIX_BYTES))
                    await self._handle_or_drop(message)
            except UnavailableError as error:
                _log.warning("ingress waits", party=self._party, cause=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _keep_to_its_rate(self, size: int) -> None:
        """Wait while the party is above its rate: what it sends then waits in its own ingress, up to its quota.

        Nothing that counts is smaller than header and signature, so no message is taken for less: empty ones would
        cost an answer each and nothing of the rate.
        """
        now, quota = asyncio.get_running_loop().time(), self._quota()
        room = self._room + (now - self._filled) * quota.bytes_per_second
        self._room = min(quota.burst_bytes, room) - size
        self._filled = now
        if self._room < 0:
            if not self._held:
                _log.warning("party is held to its rate", party=self._party)
            self._held = True
            await asyncio.sleep(-self._room / quota.bytes_per_second)
        elif self._room > quota.burst_bytes / 2:
            self._held = False

    def _quota(self) -> Quota:
        """What the register says now; a party that is not in it any more sends nothing."""
        party = self._directory.directory.current.register.party(self._party)
        return party.quota if party is not None else DEFAULT

    async def _handle_or_drop(self, message: IngressMessage) -> None:
        """Handle a message; a mistake of ours that it brings out must not stop other messages or parties."""
        try:
            await self.handle(message)
        except UnavailableError:
            raise
        except Exception:
            _log.exception("a message brought out a mistake of ours", party=self._party)
            await message.done()

    async def handle(self, message: IngressMessage) -> None:
        """Verify one message and hand it to its compartment's sequencer, or refuse it."""
        if message.subject == directory_ingress_subject(self._party):
            await self._submit(message)
            return
        try:
            envelope, member, action = await self._verified(message)
            sequencer = self._sequencers.get(envelope.header.compartment)
            if sequencer is None:
                raise RefusedError(
                    Reason.CEILING, f"{envelope.header.compartment} is not carried by this enclave"
                )
        except (InvalidError, RefusedError) as error:
            await self._refuse(message, error)
            return
        await sequencer.put(Item(envelope, member, action, message.done))

    async def _verified(self, message: IngressMessage) -> tuple[Envelope, Member, Action]:
        compartment, action, party = parse_ingress_subject(message.subject)
        envelope = decode_envelope(message.data)
        header = envelope.header
        refuse_state_secret(header.compartment.classification)
        if header.compartment != compartment or party != self._party:
            raise RefusedError(
                Reason.MANDATE, f"an envelope for {header.compartment} came in for {compartment}"
            )
        if header.directory_size > self._directory.directory.size:
            await self._directory.load()
        directory = self._directory.directory
        verify_enclave(header, directory.enclave_id)
        member = directory.current.member(header.sender_id)
        if member.party.token != party:
            raise RefusedError(Reason.UNKNOWN_SENDER, f"the sending identity does not belong to {party}")
        return verify_envelope(envelope, member.verifying), member, action

    async def _submit(self, message: IngressMessage) -> None:
        """For the directory: whoever handed it in sees it there; a refusal is answered."""
        try:
            if is_statement(message.data):
                await self._directory.state(message.data)
            else:
                await self._directory.submit(decode_submission(message.data))
        except (InvalidError, RefusedError) as error:
            await self._refuse(message, error)
            return
        await message.done()

    async def _refuse(self, message: IngressMessage, error: InvalidError | RefusedError) -> None:
        reason, text, basis = describe(error)
        data = message.data
        # Too short for a header: nothing to name it by but its own hash.
        name = (
            object_hash(data[:HEADER_BYTES]) if len(data) >= HEADER_BYTES else hashlib.sha256(data).digest()
        )
        sender = data[24:40] if len(data) >= HEADER_BYTES else bytes(16)
        answer = BrokerAnswer(
            object=name.hex(),
            sender=sender.hex(),
            compartment="",
            verdict="refused",
            reason=reason,
            message=text,
            basis=basis,
        )
        _log.info("refused", party=self._party, reason=reason)
        self._refusals(self._party, hashlib.sha256(data).digest(), reason)
        await (await self._answers.answer(self._party, answer.encode()))
        await message.done()
