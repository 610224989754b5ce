# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Remembered rights are the rights of this moment and this register: never a moment longer, never another's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from trial.enclave import TrialEnclave, identity, mandate, party_of

from seinpost import _publish_rights
from seinpost._publish_rights import PublishRights
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.policy import View

BEGINS, ENDS = dt.datetime(2027, 2, 1, tzinfo=dt.UTC), dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
EXPIRES = dt.datetime(2027, 4, 1, tzinfo=dt.UTC)
ALERT = ("debate", "depv", "alert", None)
INCIDENT = ("debate", "depv", "incident", None)


def ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def with_dates(table: dict[str, Any]) -> None:
    """The regulator may raise alerts in February; the register holds until April, with a mandate beyond that."""
    table["expires"] = EXPIRES
    party_of(table, "cvdm")["mandates"].append(
        mandate("debate", "publish", signal_types=["alert"], default_audience="tafel")
        | {"from": BEGINS, "until": ENDS}
    )
    beyond = {"from": EXPIRES + dt.timedelta(days=30)}
    party_of(table, "ibd")["mandates"].append(mandate("parties", "read") | beyond)


class Asked:
    """Rights of one identity, and how often the register was gone through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str = "cvdm-1") -> None:
        self.rights = PublishRights(identity(name).sender_id)
        self.times = 0
        real = _publish_rights.verify_mandate

        def count(*arguments: Any) -> Any:
            self.times += 1
            return real(*arguments)

        monkeypatch.setattr(_publish_rights, "verify_mandate", count)

    def reason(self, view: View, asked: tuple[Any, ...], now_ms: int) -> Reason | None:
        """Why it is refused; ``None`` when it is allowed."""
        try:
            self.rights.verify(view, *asked, now_ms)
        except RefusedError as error:
            return error.reason
        return None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


@pytest.fixture
def view() -> View:
    return TrialEnclave(with_dates).directory().current


def test_the_same_question_is_answered_from_memory(asked: Asked, view: View) -> None:
    answers = {asked.rights.verify(view, *INCIDENT, ms(BEGINS) + n)[1] for n in range(1_000)}
    assert answers == {"all"}
    assert asked.times == 1


def test_each_question_has_its_own_answer(asked: Asked, view: View) -> None:
    now = ms(BEGINS)
    assert asked.rights.verify(view, *ALERT, now)[1] == "tafel"
    assert asked.rights.verify(view, *INCIDENT, now)[1] == "all"
    assert asked.rights.verify(view, *INCIDENT[:3], "tafel", now)[1] == "tafel"
    assert str(asked.rights.verify(view, "debate", "ong", "incident", None, now)[0]) == "ong/debate"
    assert asked.times == 4


@pytest.mark.parametrize("later", [False, True], ids=["asked anew", "remembered from before"])
def test_a_right_ends_to_the_millisecond(asked: Asked, view: View, later: bool) -> None:
    if later:
        assert asked.reason(view, ALERT, ms(BEGINS)) is None
    assert asked.reason(view, ALERT, ms(ENDS) - 1) is None
    assert asked.reason(view, ALERT, ms(ENDS)) is Reason.MANDATE


def test_a_right_begins_to_the_millisecond_and_not_before_when_the_clock_goes_back(
    asked: Asked, view: View
) -> None:
    assert asked.reason(view, ALERT, ms(BEGINS) - 1) is Reason.MANDATE
    assert asked.reason(view, ALERT, ms(BEGINS)) is None
    assert asked.reason(view, ALERT, ms(BEGINS) - 1) is Reason.MANDATE


def test_nothing_is_allowed_once_the_register_has_expired(asked: Asked, view: View) -> None:
    assert asked.reason(view, INCIDENT, ms(EXPIRES) - 1) is None
    assert asked.reason(view, INCIDENT, ms(EXPIRES)) is Reason.REGISTER_EXPIRED


def test_another_register_is_asked_anew_the_same_moment(asked: Asked) -> None:
    enclave = TrialEnclave(with_dates)
    now = ms(BEGINS)
    assert asked.reason(enclave.directory().current, INCIDENT, now) is None
    enclave.amend(lambda table: party_of(table, "cvdm").update(mandates=[]))
    assert asked.reason(enclave.directory().current, INCIDENT, now) is Reason.MANDATE


def test_a_revoked_identity_is_told_at_once(asked: Asked) -> None:
    enclave = TrialEnclave(with_dates)
    now = ms(BEGINS)
    assert asked.reason(enclave.directory().current, INCIDENT, now) is None
    enclave.state_end("cvdm-1", now)
    assert asked.reason(enclave.directory().current, INCIDENT, now) is Reason.REVOKED


def test_a_refusal_is_not_remembered(asked: Asked, view: View) -> None:
    for _ in range(3):
        assert asked.reason(view, ("process", "depv", "incident", None), ms(BEGINS)) is Reason.MANDATE
    assert asked.times == 3


def test_a_type_that_is_no_text_is_looked_at_and_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal's own check refuses it afterwards; here it must do no harm."""
    asked, view = Asked(monkeypatch, "ncsc-1"), TrialEnclave().directory().current
    for _ in range(2):
        asked.rights.verify(view, "process", "depv", ["incident"], None, ms(BEGINS))  # type: ignore[arg-type]
    assert asked.times == 2


def test_made_up_names_gain_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, view = Asked(monkeypatch, "ncsc-1"), TrialEnclave().directory().current
    for number in range(2_000):
        asked.rights.verify(view, "process", "depv", f"type {number}", None, ms(BEGINS))
    assert len(asked.rights._known) <= 256


def test_a_theme_that_does_not_exist_is_malformed_every_time(asked: Asked, view: View) -> None:
    for _ in range(2):
        with pytest.raises(MalformedError):
            asked.rights.verify(view, "proces", "depv", "incident", None, ms(BEGINS))
