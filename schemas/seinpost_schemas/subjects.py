# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""NATS subjects, streams and consumers, and the token grammar that keeps wildcards out of them.

Everything that becomes part of a subject passes ``parse_token`` first: lower-case letters, digits and
hyphens, so no ``.``, ``*``, ``>``, space or line break can.
"""

from __future__ import annotations

import re

from .compartment import Compartment
from .errors import MalformedError
from .kinds import Action

_TOKEN = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PERIOD = re.compile(r"[0-9]{4}(q[1-4])?")

DIRECTORY_STREAM = "DIRECTORY"
ADMISSION_STREAM = "ADMISSION"
CHECKPOINTS_STREAM = "CHECKPOINTS"
HOURLY_STREAM = "HOURLY"
ANSWERS_STREAM = "ANSWERS"
CUSTODY_STREAM = "CUSTODY"
DIRECTORY_SUBJECT = "seinpost.directory"
ADMISSION_SUBJECT = "seinpost.admission"
NOTE_PREFIX = "seinpost.note"


def parse_token(text: str, what: str) -> str:
    """A name that may stand in a subject; raises ``MalformedError``."""
    if not _TOKEN.fullmatch(text):
        raise MalformedError(f"{what} {text[:40]!r}: use lower-case letters, digits and hyphens, 32 at most")
    return text


def parse_period(text: str) -> str:
    """A log period such as ``2026q4`` (or a year); raises ``MalformedError``."""
    if not _PERIOD.fullmatch(text):
        raise MalformedError(f"a period is written 2026q4, not {text[:20]!r}")
    return text


def ingress_subject(compartment: Compartment, action: Action, party: str) -> str:
    """Where a party publishes an envelope."""
    return f"seinpost.in.{compartment.classification.token}.{compartment.theme.token}.{action}.{party}"


def directory_ingress_subject(party: str) -> str:
    """Where a party submits directory objects."""
    return f"seinpost.in.directory.{party}"


def parse_ingress_subject(subject: str) -> tuple[Compartment, Action, str]:
    """(compartment, action, party) of an ingress subject; raises ``MalformedError``."""
    tokens = subject.split(".")
    if len(tokens) != 6 or tokens[:2] != ["seinpost", "in"]:
        raise MalformedError("not an ingress subject")
    try:
        action = Action(tokens[4])
    except ValueError:
        raise MalformedError("not an action in an ingress subject") from None
    return Compartment.parse(f"{tokens[2]}/{tokens[3]}"), action, parse_token(tokens[5], "party")


def ingress_stream(party: str) -> str:
    """The stream that only this party writes."""
    return f"IN_{party}"


def feed_stream(period: str, compartment: Compartment) -> str:
    """The stream of a compartment's log in a period."""
    return f"FEED_{period}_{compartment.classification.token}_{compartment.theme.token}"


def parse_feed_stream(stream: str) -> tuple[str, Compartment]:
    """(period, compartment) of a feed stream's name; raises ``MalformedError``."""
    parts = stream.split("_")
    if len(parts) != 4 or parts[0] != "FEED":
        raise MalformedError("not a feed stream")
    return parse_period(parts[1]), Compartment.parse(f"{parts[2]}/{parts[3]}")


def feed_subject(period: str, compartment: Compartment) -> str:
    """The one subject of a feed stream."""
    return f"seinpost.feed.{period}.{compartment.classification.token}.{compartment.theme.token}"


def answer_subject(party: str) -> str:
    """Where brokers answer a party."""
    return f"seinpost.answer.{party}"


def checkpoint_subject(origin: str) -> str:
    """Where a log's checkpoint is stored: its origin's tokens after the enclave's."""
    return "seinpost.checkpoint." + ".".join(origin.split("/")[1:])


def hourly_subject(origin: str) -> str:
    """Where one checkpoint an hour of a log is kept for good."""
    return "seinpost.hourly." + ".".join(origin.split("/")[1:])


def custody_subject(origin: str) -> str:
    """Where brokers keep a log's newest signed checkpoint before anyone else sees it."""
    return "seinpost.custody." + ".".join(origin.split("/")[1:])


def witness_subject(party: str) -> str:
    """Where a party's witness answers brokers."""
    return f"seinpost.witness.{party}"


def gossip_subject(party: str, origin: str) -> str:
    """Where a party's readers tell the others which checkpoint of a log they saw."""
    return f"seinpost.gossip.{party}." + ".".join(origin.split("/")[1:])


GOSSIP_SUBJECTS = "seinpost.gossip.>"


def witness_key_name(enclave: str, name: str) -> str:
    """A witness's key name on notes."""
    return f"{enclave}/witness/{name}"


def next_subject(stream: str, consumer: str) -> str:
    """JetStream's pull subject of a pre-made consumer."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"


def reset_subject(stream: str, consumer: str) -> str:
    """JetStream's rewind subject of a pre-made consumer."""
    return f"$JS.API.CONSUMER.RESET.{stream}.{consumer}"


def direct_get_subject(stream: str, subject: str) -> str:
    """JetStream's direct read of a subject's last message."""
    return f"$JS.API.DIRECT.GET.{stream}.{subject}"


def direct_read_subject(stream: str) -> str:
    """JetStream's direct read of a stream's messages from a sequence on."""
    return f"$JS.API.DIRECT.GET.{stream}"


def inbox_prefix(party: str) -> str:
    """The only place where a party's users may receive replies."""
    return f"_INBOX_{party}"


def log_origin(enclave: str, period: str, compartment: Compartment) -> str:
    """A feed log's origin: ``<enclave>/<period>/<classification>/<theme>``."""
    return f"{enclave}/{period}/{compartment}"


def admission_origin(enclave: str) -> str:
    """The admission log's origin."""
    return f"{enclave}/admission"


def directory_origin(enclave: str) -> str:
    """The directory log's origin."""
    return f"{enclave}/directory"
