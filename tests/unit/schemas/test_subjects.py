# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Subjects, streams and origins: no wildcard and no line break can pass."""

from __future__ import annotations

import pytest

from seinpost_schemas import subjects as s
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.kinds import Action

PROCESS = Compartment(Classification.DEPV, Theme.PROCESS)


def test_subjects_are_the_specifications() -> None:
    assert s.ingress_subject(PROCESS, Action.PUBLISH, "ncsc") == "seinpost.in.depv.process.publish.ncsc"
    assert s.directory_ingress_subject("ncsc") == "seinpost.in.directory.ncsc"
    assert s.feed_subject("2026q4", PROCESS) == "seinpost.feed.2026q4.depv.process"
    assert s.feed_stream("2026q4", PROCESS) == "FEED_2026q4_depv_process"
    assert s.answer_subject("ncsc") == "seinpost.answer.ncsc"
    assert s.DIRECTORY_SUBJECT == "seinpost.directory"
    assert s.ingress_stream("ncsc") == "IN_ncsc"
    assert s.inbox_prefix("ncsc") == "_INBOX_ncsc"


def test_origins_name_enclave_period_and_compartment() -> None:
    origin = s.log_origin("test", "2026q4", PROCESS)
    assert origin == "test/2026q4/depv/process"
    assert s.checkpoint_subject(origin) == "seinpost.checkpoint.2026q4.depv.process"
    assert s.directory_origin("test") == "test/directory"
    assert s.checkpoint_subject("test/directory") == "seinpost.checkpoint.directory"


def test_jetstreams_own_subjects_name_stream_and_consumer() -> None:
    assert s.next_subject("FEED_x", "ncsc") == "$JS.API.CONSUMER.MSG.NEXT.FEED_x.ncsc"
    assert s.reset_subject("FEED_x", "ncsc") == "$JS.API.CONSUMER.RESET.FEED_x.ncsc"
    assert s.direct_get_subject("CHECKPOINTS", "a.b") == "$JS.API.DIRECT.GET.CHECKPOINTS.a.b"


@pytest.mark.parametrize("action", list(Action))
def test_an_ingress_subject_comes_back(action: Action) -> None:
    subject = s.ingress_subject(PROCESS, action, "a-1")
    assert s.parse_ingress_subject(subject) == (PROCESS, action, "a-1")


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "seinpost.in.depv.process.publish",
        "seinpost.in.depv.process.publish.ncsc.more",
        "seinpost.out.depv.process.publish.ncsc",
        "other.in.depv.process.publish.ncsc",
        "seinpost.in.depv.process.write.ncsc",
        "seinpost.in.depv.sport.publish.ncsc",
        "seinpost.in.high.process.publish.ncsc",
        "seinpost.in.process.depv.publish.ncsc",
        "seinpost.in.depv.process.publish.",
        "seinpost.in.depv.process.publish.NCSC",
        "seinpost.in.depv.process.publish.ncsc\n",
        "seinpost.in.depv.process.publish.*",
        "seinpost.in.*.process.publish.ncsc",
        "seinpost.in.depv/process.x.publish.ncsc",
        "seinpost.in.depv.process.PUBLISH.ncsc",
    ],
)
def test_any_other_ingress_subject_is_malformed(subject: str) -> None:
    with pytest.raises(MalformedError):
        s.parse_ingress_subject(subject)


@pytest.mark.parametrize("token", ["a", "ncsc", "a-1", "z" * 32, "a--"])
def test_a_token_is_lower_case_digits_and_hyphens(token: str) -> None:
    assert s.parse_token(token, "party") == token


@pytest.mark.parametrize(
    "token", ["", "A", "1a", "-a", "a.b", "a*", "a>", "a b", "a\n", "a\r", "\na", "é", "a" * 33, "a_b", "ａ"]
)
def test_any_other_token_is_malformed(token: str) -> None:
    with pytest.raises(MalformedError, match="party"):
        s.parse_token(token, "party")


@pytest.mark.parametrize("period", ["2026", "2026q1", "2026q4"])
def test_a_period_is_a_year_or_a_quarter(period: str) -> None:
    assert s.parse_period(period) == period


@pytest.mark.parametrize(
    "period", ["", "2026q0", "2026q5", "2026Q4", "26q4", "2026q4\n", "２０２６", "20261", "*"]
)
def test_any_other_period_is_malformed(period: str) -> None:
    with pytest.raises(MalformedError):
        s.parse_period(period)
