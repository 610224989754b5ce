# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""NATS streams, consumers and rights as they follow from a register version; by code, never by hand.

Rights are those of the mandates in force at ``at_ms``: a broker renders again when one begins or ends.
"""

from __future__ import annotations

import msgspec

from seinpost_schemas.compartment import Compartment, all_compartments
from seinpost_schemas.kinds import INGRESS_ACTIONS, Action
from seinpost_schemas.limits import MAX_CHECKPOINTS_PER_SECOND
from seinpost_schemas.log_origins import origins_of
from seinpost_schemas.policy import View, audits, audits_everything, may
from seinpost_schemas.register import Party, Register
from seinpost_schemas.subjects import (
    ADMISSION_STREAM,
    ADMISSION_SUBJECT,
    ANSWERS_STREAM,
    CHECKPOINTS_STREAM,
    CUSTODY_STREAM,
    DIRECTORY_STREAM,
    DIRECTORY_SUBJECT,
    HOURLY_STREAM,
    admission_origin,
    answer_subject,
    checkpoint_subject,
    direct_get_subject,
    direct_read_subject,
    directory_ingress_subject,
    directory_origin,
    feed_stream,
    feed_subject,
    hourly_subject,
    ingress_stream,
    ingress_subject,
    log_origin,
    next_subject,
    reset_subject,
)

DAY_SECONDS = 86_400
_CHECKPOINTS_OF_A_DAY = 2 * MAX_CHECKPOINTS_PER_SECOND * DAY_SECONDS
"""All of a day are kept, so none gives way to a newer one: of two brokers that take turns at their fastest."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A JetStream stream to be there."""

    name: str
    subjects: tuple[str, ...]
    work_queue: bool = False
    append_only: bool = False
    allow_direct: bool = False
    max_age_seconds: int = 0
    max_bytes: int = -1
    max_messages: int = -1
    max_messages_per_subject: int = -1


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A pull consumer to be there; ``acks`` only for the brokers' own."""

    stream: str
    name: str
    filter_subject: str | None = None
    filter_subjects: tuple[str, ...] = ()
    acks: bool = False


class Right(msgspec.Struct, frozen=True):
    """A subject that a user may publish on; ``answers_many`` for pulls, whose reply is a stream."""

    subject: str
    answers_many: bool = False


BROKERS_CONSUMER = "brokers"


def periods(register: Register) -> tuple[str, ...]:
    """The periods whose streams are there: retained ones, whose streams are sealed, the current one and the next."""
    return (*register.periods.readable, register.periods.next)


def streams(register: Register) -> list[Stream]:
    """Every stream of the enclave."""
    wanted = [
        Stream(name=DIRECTORY_STREAM, subjects=(DIRECTORY_SUBJECT,), append_only=True, allow_direct=True),
        Stream(name=ADMISSION_STREAM, subjects=(ADMISSION_SUBJECT,), append_only=True, allow_direct=True),
        Stream(
            name=CHECKPOINTS_STREAM,
            subjects=("seinpost.checkpoint.>",),
            allow_direct=True,
            max_age_seconds=DAY_SECONDS,
            max_messages_per_subject=_CHECKPOINTS_OF_A_DAY,
        ),
        # One an hour, for as long as there is an enclave: what audits are made of.
        Stream(name=HOURLY_STREAM, subjects=("seinpost.hourly.>",), append_only=True, allow_direct=True),
        Stream(name=CUSTODY_STREAM, subjects=("seinpost.custody.>",), max_messages_per_subject=64),
        Stream(name=ANSWERS_STREAM, subjects=("seinpost.answer.*",), max_age_seconds=7 * DAY_SECONDS),
    ]
    for party in register.parties:
        wanted.append(
            Stream(
                name=ingress_stream(party.token),
                subjects=(f"seinpost.in.*.*.*.{party.token}", directory_ingress_subject(party.token)),
                work_queue=True,
                max_bytes=party.quota.bytes,
                max_messages=party.quota.messages or -1,
            )
        )
    for period in periods(register):
        for compartment in all_compartments(register.ceiling_level):
            wanted.append(
                Stream(
                    name=feed_stream(period, compartment),
                    subjects=(feed_subject(period, compartment),),
                    append_only=True,
                    allow_direct=True,
                )
            )
    return wanted


def consumers(view: View, at_ms: int) -> list[Consumer]:
    """Every pre-made consumer: the brokers' on each ingress, and one per identity and stream it reads."""
    register = view.register
    wanted = [
        Consumer(stream=ingress_stream(p.token), name=BROKERS_CONSUMER, acks=True) for p in register.parties
    ]
    for party in register.parties:
        hourly = tuple(hourly_subject(o) for o in readable_logs(view, party, at_ms))
        for identity in view.in_force(party):
            wanted.append(Consumer(stream=HOURLY_STREAM, name=identity.name, filter_subjects=hourly))
            wanted.append(
                Consumer(
                    stream=ANSWERS_STREAM, name=identity.name, filter_subject=answer_subject(party.token)
                )
            )
            wanted.extend(
                Consumer(stream=feed_stream(period, compartment), name=identity.name)
                for period in periods(register)
                for compartment in readable(view, party, at_ms)
            )
    return wanted


def readable(view: View, party: Party, at_ms: int) -> list[Compartment]:
    """The compartments whose feed a party may pull: with a read or an audit mandate."""
    return [
        c
        for c in all_compartments(view.register.ceiling_level)
        if may(view, party, Action.READ, c, at_ms) or may(view, party, Action.AUDIT, c, at_ms)
    ]


def ingress_rights(view: View, party: Party, at_ms: int) -> list[Right]:
    """One subject per compartment and action that a mandate grants now."""
    return [
        Right(ingress_subject(compartment, action, party.token))
        for compartment in all_compartments(view.register.ceiling_level)
        for action in INGRESS_ACTIONS
        if may(view, party, action, compartment, at_ms)
    ]


def identity_rights(view: View, party: Party, identity: str, at_ms: int) -> list[Right]:
    """Everything that one identity's NATS user may publish on."""
    register = view.register
    pulls = [ANSWERS_STREAM, HOURLY_STREAM]
    pulls += [feed_stream(p, c) for p in periods(register) for c in readable(view, party, at_ms)]
    rights = ingress_rights(view, party, at_ms)
    # Anyone may hand in a version of the register: the registrars' signatures decide.
    rights.append(Right(directory_ingress_subject(party.token)))
    for stream in pulls:
        rights.append(Right(next_subject(stream, identity), answers_many=True))
        rights.append(Right(reset_subject(stream, identity)))
    # Read directly, not through a consumer: every process of an identity follows the directory, and two that
    # pulled from one consumer would each get half of it (ADR 0007).
    rights.append(Right(direct_read_subject(DIRECTORY_STREAM), answers_many=True))
    # The feeds as well, for what looks something up while another process reads (ADR 0009).
    feeds = [feed_stream(p, c) for p in periods(register) for c in readable(view, party, at_ms)]
    rights += [Right(direct_read_subject(stream), answers_many=True) for stream in feeds]
    if audits(view, party, at_ms):
        rights.append(Right(direct_read_subject(ADMISSION_STREAM), answers_many=True))
    if audits_everything(view, party, at_ms):
        # An export holds every checkpoint that is published. A direct read cannot be held to some subjects of a
        # stream, and how large the other logs are is nobody else's.
        for stream in (CHECKPOINTS_STREAM, HOURLY_STREAM):
            rights.append(Right(direct_read_subject(stream), answers_many=True))
    for origin in readable_logs(view, party, at_ms):
        rights.append(Right(direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin))))
        rights.append(Right(direct_get_subject(HOURLY_STREAM, hourly_subject(origin))))
    return rights


def readable_logs(view: View, party: Party, at_ms: int) -> list[str]:
    """The origins of every log whose checkpoints a party may read."""
    register = view.register
    origins = [directory_origin(register.enclave)]
    if audits(view, party, at_ms):
        origins.append(admission_origin(register.enclave))
    return origins + [
        log_origin(register.enclave, p, c) for p in periods(register) for c in readable(view, party, at_ms)
    ]


def gossip_logs(view: View, party: Party, at_ms: int) -> list[str]:
    """The origins whose checkpoints a party's readers tell others of, and hear of: those that it may read."""
    register = view.register
    compartments = readable(view, party, at_ms)
    if not compartments:
        return []
    logs = [log_origin(register.enclave, p, c) for p in periods(register) for c in compartments]
    return [directory_origin(register.enclave), *logs]


def witness_rights(register: Register) -> list[Right]:
    """What a witness's NATS user may publish on, beside its answers.

    Reading the directory, and the newest checkpoint of every log: it follows them all, and finds its own word there.
    """
    rights = [Right(direct_read_subject(DIRECTORY_STREAM), answers_many=True)]
    for origin in sorted(origins_of(register)):
        rights.append(Right(direct_get_subject(CHECKPOINTS_STREAM, checkpoint_subject(origin))))
        rights.append(Right(direct_get_subject(HOURLY_STREAM, hourly_subject(origin))))
    return rights
