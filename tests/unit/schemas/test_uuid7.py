# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Signal ids."""

from __future__ import annotations

import pytest

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.uuid7 import format_id, make_id, parse_id, verify_id

# RFC 9562, appendix A.6.
RFC = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_the_example_of_the_rfc_is_one() -> None:
    raw = parse_id(RFC)
    assert format_id(raw) == RFC
    assert make_id(0x017F22E279B0, raw[6:]) == raw
    assert int.from_bytes(raw[:6]) == 1_645_557_742_000


def test_version_and_variant_are_set_whatever_the_randomness() -> None:
    assert format_id(make_id(1, b"\xff" * 10)) == "00000000-0001-7fff-bfff-ffffffffffff"
    assert format_id(make_id(1, bytes(10))) == "00000000-0001-7000-8000-000000000000"


@pytest.mark.parametrize("length", [0, 9, 11])
def test_it_takes_ten_random_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        make_id(1, bytes(length))


@pytest.mark.parametrize(
    "text",
    [
        "",
        RFC.upper(),
        RFC.replace("-", ""),
        RFC + "\n",
        " " + RFC,
        RFC[:-1],
        RFC + "0",
        "{" + RFC + "}",
        RFC.replace("-7cc3", "-4cc3"),
        RFC.replace("-98c4", "-78c4"),
        RFC.replace("-98c4", "-c8c4"),
        "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
        RFC.replace("0", "٠"),
    ],
)
def test_any_other_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_id(text)


@pytest.mark.parametrize("raw", [b"", bytes(16), b"\xff" * 16, parse_id(RFC)[:15], parse_id(RFC) + b"\0"])
def test_any_other_bytes_are_malformed(raw: bytes) -> None:
    for check in (verify_id, format_id):
        with pytest.raises(MalformedError):
            check(raw)
