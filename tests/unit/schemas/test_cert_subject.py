# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The text of a certificate's subject: one form, and what the server could take for another is refused.

That it is what nats-server makes of it: tests/integration/test_certificate_subjects.py, on the real one.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seinpost_schemas.cert_subject import MAX_SUBJECT_CHARACTERS, CertSubject, parse_subject
from seinpost_schemas.errors import MalformedError

GOOD = "SERIALNUMBER=00000099000000005000,CN=NCSC,O=NCSC,C=NL"


def test_a_subject_is_read_and_written() -> None:
    subject = parse_subject(GOOD)
    assert subject.serial_number == "00000099000000005000"
    assert subject.values("O") == ("NCSC",)
    assert str(subject) == GOOD
    assert parse_subject("OU=a+OU=b,O=x").values("OU") == ("a", "b")
    assert parse_subject("O=x").serial_number is None


REFUSED = {
    "nothing": "",
    "no attribute": "NCSC",
    "another order": "CN=NCSC,SERIALNUMBER=1",
    "RFC 4514's order": "C=NL,O=NCSC,CN=NCSC",
    "a name in lower case": "cn=NCSC",
    "a name that the server does not see": "UID=1,CN=NCSC",
    "an object identifier": "2.5.4.97=NTRNL-1",
    "a space after the comma": "CN=NCSC, O=NCSC",
    "a comma at the end": "CN=NCSC,",
    "a plus at the end": "O=NCSC+",
    "a comma that ends nothing": ",CN=NCSC",
    "a plus between unequal names": "CN=NCSC+O=NCSC",
    "a comma between equal names": "O=a,O=b",
    "an escape too many": "CN=NC\\SC",
    "an escape too few": "CN=a,b",
    "a quote as it is": 'CN="a"',
    "a space at the end": "CN=a ",
    "a number sign first": "CN=#a",
    "hexadecimal": "CN=#0c0161",
    "an escape at the end": "CN=a\\",
    "an empty value": "CN=,O=x",
    "an equals sign, which the server would read as a name's end": "CN=a=b",
    "two CNs": "CN=a+CN=b",
    "two serial numbers": "SERIALNUMBER=1+SERIALNUMBER=2",
    "a line break": "CN=a\nb",
    "an escaped line break": "CN=a\\\nb",
    "a hidden character": "CN=a\u200bb",
    "turned writing": "CN=a\u202eb",
    "too long": "CN=" + "x" * MAX_SUBJECT_CHARACTERS,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_subject(text)


VALUES = st.text(st.characters(exclude_categories=["C"], exclude_characters="="), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["OU", "O", "L", "C"]), VALUES), min_size=1, max_size=6))
def test_every_subject_has_one_text_and_every_text_one_subject(attributes: list[tuple[str, str]]) -> None:
    order = ["OU", "O", "L", "C"]
    subject = CertSubject(tuple(sorted(attributes, key=lambda a: order.index(a[0]))))
    assert parse_subject(str(subject)) == subject


@given(st.text(st.sampled_from('CNO=,+\\" #ab'), max_size=16))
def test_a_text_is_refused_or_is_the_one_text_of_its_subject(text: str) -> None:
    try:
        subject = parse_subject(text)
    except MalformedError:
        return
    assert str(subject) == text
