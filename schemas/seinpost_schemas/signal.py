# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A signal's four sections as frozen structs (domain.md, specification section 6).

Field order here is the order on the wire; a field at its default is left out there. Times are aware
``datetime`` values; JSON shows them in RFC 3339.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from . import limits as l
from .words import Words

SCHEMA = 1
"""The newest section schema that this version writes and reads."""

Time = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339, with offset")]
Short = Annotated[str, Meta(min_length=1, max_length=l.MAX_SHORT_CHARACTERS)]
Text = Annotated[str, Meta(max_length=l.MAX_TEXT_CHARACTERS)]
SignalId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$(?!\n)",
        description="UUIDv7",
    ),
]
_TECHNIQUE = r"^(disarm|attack):T[0-9]{4}(\.[0-9]{3})?$(?!\n)"
_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)"
Technique = Annotated[
    str, Meta(description="disarm:T… or attack:T…", extra_json_schema={"pattern": _TECHNIQUE})
]
Language = Annotated[str, Meta(extra_json_schema={"pattern": _LANGUAGE})]
"""The patterns of these two are checked by ``Report`` itself, through ``words``: by msgspec they cost half of
decoding a report."""
ShortList = Annotated[tuple[Short, ...], Meta(max_length=l.MAX_LIST_ITEMS)]
SignalType = Literal["incident", "indicator", "assessment", "alert", "request-for-information"]
Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
Pap = Literal["clear", "green", "amber", "red"]
IndicatorType = Literal[
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "file-md5",
    "file-sha1",
    "file-sha256",
    "file-sha512",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
    "other",
]

_LANGUAGES = Words(_LANGUAGE, "language: expected a language tag such as nl or pt-BR")
_TECHNIQUES = Words(_TECHNIQUE, "techniques: expected disarm:T… or attack:T…")


class Section(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """The common shape: keyword-only, unknown fields refused, defaults left out.

    ``gc=False``: frozen values of strings, numbers and tuples of the same cannot form a cycle.
    """


class Handling(Section, frozen=True, kw_only=True, gc=False):
    """Section 0: how the signal may be treated."""

    schema: Annotated[int, Meta(ge=1, le=SCHEMA)]
    signal_type: SignalType
    valid_until: Time
    tlp: Tlp
    classified_until: Short | None = None
    pap: Pap | None = None
    severity: Annotated[int, Meta(ge=1, le=5)] | None = None
    urgency: Literal["low", "normal", "high", "immediate"] | None = None
    exercise: bool = False
    originator_consent: bool = False
    legal_basis: Short | None = None
    personal_data: Literal["none", "personal", "special"] = "none"
    refers_to: Annotated[tuple[SignalId, ...], Meta(max_length=l.MAX_LIST_ITEMS)] = ()
    supersedes: Annotated[tuple[SignalId, ...], Meta(max_length=l.MAX_LIST_ITEMS)] = ()
    election: Annotated[str, Meta(pattern=r"^[A-Z]{2,4}[0-9]{4}$(?!\n)")] | None = None


class Evidence(Section, frozen=True, kw_only=True, gc=False):
    """A hash of something kept elsewhere, and where."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    archive_url: Annotated[str, Meta(max_length=l.MAX_VALUE_CHARACTERS)] | None = None


class ExternalReference(Section, frozen=True, kw_only=True, gc=False):
    """The same thing in another system."""

    system: Short
    id: Short | None = None
    url: Annotated[str, Meta(max_length=l.MAX_VALUE_CHARACTERS)] | None = None


class Foreign(Section, frozen=True, kw_only=True, gc=False):
    """What a converter could not map."""

    media_type: Annotated[str, Meta(pattern=r"^[a-z0-9.+-]+/[A-Za-z0-9.+;=-]+$(?!\n)", max_length=200)]
    data: Annotated[bytes, Meta(max_length=l.MAX_FOREIGN_BYTES)]


class Report(Section, frozen=True, kw_only=True, gc=False):
    """Section 1: what happened."""

    title: Annotated[str, Meta(min_length=1, max_length=l.MAX_TITLE_CHARACTERS)]
    text: Annotated[str, Meta(min_length=1, max_length=l.MAX_TEXT_CHARACTERS)]
    language: Language | None = None
    observed_from: Time | None = None
    observed_until: Time | None = None
    source_reliability: Literal["A", "B", "C", "D", "E", "F"] | None = None
    information_credibility: Annotated[int, Meta(ge=1, le=6)] | None = None
    likelihood: Short | None = None
    techniques: Annotated[tuple[Technique, ...], Meta(max_length=l.MAX_LIST_ITEMS)] = ()
    narrative: Text | None = None
    channels: ShortList = ()
    targets: ShortList = ()
    regions: ShortList = ()
    attribution: Short | None = None
    attributed_by: Short | None = None
    action_requested: Text | None = None
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=l.MAX_LIST_ITEMS)] = ()
    external_references: Annotated[tuple[ExternalReference, ...], Meta(max_length=l.MAX_LIST_ITEMS)] = ()
    foreign: Foreign | None = None

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a language or technique out of form; msgspec makes it a ``ValidationError``."""
        if self.language is not None:
            _LANGUAGES.verify((self.language,))
        if self.techniques:
            _TECHNIQUES.verify(self.techniques)


class Indicator(Section, frozen=True, kw_only=True, gc=False):
    """One observable; accounts and addresses of natural persons belong in section 3."""

    type: IndicatorType
    value: Annotated[str, Meta(min_length=1, max_length=l.MAX_VALUE_CHARACTERS)]
    role: Short | None = None
    first_seen: Time | None = None
    last_seen: Time | None = None


class PersonalDatum(Section, frozen=True, kw_only=True, gc=False):
    """An account, address or name of a natural person."""

    type: Short
    value: Annotated[str, Meta(min_length=1, max_length=l.MAX_VALUE_CHARACTERS)]
    role: Short | None = None


class Protected(Section, frozen=True, kw_only=True, gc=False):
    """Section 3: for readers with ``read-protected`` only; a release leaves it out."""

    source_description: Text | None = None
    personal_data: Annotated[tuple[PersonalDatum, ...], Meta(max_length=l.MAX_INDICATORS)] = ()
    contact: Text | None = None


class Signal(Section, frozen=True, kw_only=True, gc=False):
    """One unit of information: the JSON form that ``publish`` reads and ``watch --json`` shows.

    ``id`` is given by the library when it is absent. ``protected`` is ``None`` both when there is none
    and when this reader may not see it.
    """

    id: SignalId | None = None
    handling: Handling
    report: Report
    indicators: Annotated[tuple[Indicator, ...], Meta(max_length=l.MAX_INDICATORS)] = ()
    protected: Protected | None = None


FEEDBACK = ("corroborate", "dispute", "false-positive", "action-taken", "question")
"""What feedback (kind 6) can say of a signal."""
TABLE_ACTS = ("status", "assign")
"""What a table act (kind 8) can say among the own party."""
TABLE_STATUS = ("new", "in-hand", "closed")
"""What a table act (kind 8) with act ``status`` can make of a signal, among the own party only."""
Official = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9-]{1,40}$(?!\n)", description="an official's pseudonymous number")
]


class ActHandling(Section, frozen=True, kw_only=True, gc=False):
    """Section 0 of kinds 6 to 8: what the act is about."""

    schema: Annotated[int, Meta(ge=1, le=SCHEMA)]
    refers_to: Annotated[tuple[SignalId, ...], Meta(min_length=1, max_length=l.MAX_LIST_ITEMS)]
    exercise: bool = False


class ActReport(Section, frozen=True, kw_only=True, gc=False):
    """Section 1 of kinds 6 to 8: the act itself, by ``official``; ``assignee`` is who takes a signal on from here."""

    act: Short
    text: Text | None = None
    official: Official | None = None
    status: Short | None = None
    assignee: Official | None = None


class Act(Section, frozen=True, kw_only=True, gc=False):
    """Feedback, a release or a table act, as JSON."""

    id: SignalId | None = None
    handling: ActHandling
    report: ActReport
