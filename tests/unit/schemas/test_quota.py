# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A party's share of the servers: bounded on both sides, and as before where the register is silent."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.limits import PARTY_BYTES_PER_SECOND
from seinpost_schemas.quota import DEFAULT, Quota
from seinpost_schemas.register import Register, parse_register


def parsed(enclave: Any, quota: str) -> Register:
    text = enclave.text().replace('token = "ncsc"\n', f'token = "ncsc"\nquota = {quota}\n')
    assert "quota" in text
    return parse_register(enclave.note(text))


def test_what_is_not_given_is_as_before(enclave: Any) -> None:
    silent = parse_register(enclave.note(enclave.text()))
    assert {p.quota for p in silent.parties} == {DEFAULT}
    assert (DEFAULT.bytes, DEFAULT.messages, DEFAULT.connections) == (1 << 30, None, 64)
    assert DEFAULT.burst_bytes == 8 * PARTY_BYTES_PER_SECOND == 512 << 20
    some = parsed(enclave, "{ connections = 2 }").party("ncsc")
    assert some is not None
    assert some.quota == Quota(connections=2)


@pytest.mark.parametrize(
    "quota",
    [
        "{ bytes = 1048575 }",
        "{ bytes = 2199023255552 }",
        "{ messages = 0 }",
        "{ bytes_per_second = 65535 }",
        "{ connections = 0 }",
        "{ connections = 4097 }",
        '{ connections = "2" }',
        "{ more = 1 }",
    ],
)
def test_a_quota_out_of_bounds_is_refused(enclave: Any, quota: str) -> None:
    with pytest.raises(MalformedError, match="the register"):
        parsed(enclave, quota)
