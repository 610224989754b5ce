# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Labels keep every use of a hash, key or signature apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import seinpost_schemas
from seinpost_schemas import labels

KIND_CONTEXTS = [labels.kind_context(kind) for kind in range(256)]


def test_no_label_is_a_prefix_of_another() -> None:
    every = [*labels.ALL, *KIND_CONTEXTS]
    assert len(set(every)) == len(every)
    for one in every:
        assert [other for other in every if other.startswith(one)] == [one]


@pytest.mark.parametrize("label", labels.ALL)
def test_a_label_is_ascii_named_and_versioned(label: bytes) -> None:
    assert re.fullmatch(rb"seinpost/[a-z]+(-[a-z]+)*/v1", label)


def test_every_label_is_in_the_list_that_is_checked() -> None:
    named = {value for name, value in vars(labels).items() if name.isupper() and isinstance(value, bytes)}
    assert named == set(labels.ALL)


def test_no_contract_module_has_a_label_of_its_own() -> None:
    written = re.compile(r'b"(seinpost/[a-z-]+/v[0-9]+)"')
    sources = list(Path(seinpost_schemas.__path__[0]).glob("*.py"))
    assert len(sources) > 20
    found = {
        (source.name, text)
        for source in sources
        for text in written.findall(source.read_text("utf-8"))
        if source.name != "labels.py"
    }
    # A C2SP key type's identifier: it never starts a hash by itself, the key name does.
    assert found == {("note.py", "seinpost/composite/v1")}


def test_every_label_is_in_the_specification() -> None:
    spec = (Path(__file__).parents[3] / "docs" / "spec.md").read_text("utf-8")
    for label in labels.ALL:
        assert f"`{label.decode()}`" in spec


def test_a_kinds_context_names_its_number_in_decimal() -> None:
    assert labels.kind_context(2) == b"seinpost/kind-2/v1"
    assert labels.kind_context(255) == b"seinpost/kind-255/v1"
