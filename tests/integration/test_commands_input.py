# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost publish` on input that is wrong: one clear line each, and the good signals still go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.enclave import Done, Enclave, run
from harness.samples import line, table, titles

pytestmark = pytest.mark.nats

WHERE = ("--theme", "process", "--classification", "depv")
WHOLE = line("Heel signaal")


def publish(enclave: Enclave, folder: Path, data: bytes, *more: str) -> Done:
    """Publish a file with these bytes as NCSC; the file stays as it was."""
    source = folder / "signals.json"
    source.write_bytes(data)
    done = enclave.publish("ncsc", source, *(more or WHERE))
    assert source.read_bytes() == data
    return done


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \n\n\t\n", "empty", id="blank"),
        pytest.param(b"{not json}\n", "line 1: refused, malformed", id="not-json"),
        pytest.param(WHOLE[: len(WHOLE) // 2], "line 1: refused, malformed", id="truncated"),
        pytest.param(WHOLE[:-2], "line 1: refused, malformed", id="truncated-by-a-brace"),
        pytest.param(b"[]\n", "line 1: refused, malformed", id="not-an-object"),
        pytest.param(b"null\n", "line 1: refused, malformed", id="null"),
        pytest.param(b"[" * 100_000 + b"\n", "line 1: refused, malformed", id="nested"),
        pytest.param(WHOLE.replace(b"Heel", b"H\xff\xfel"), "line 1: refused, malformed", id="not-utf-8"),
        pytest.param(b"\xff\xfe" + WHOLE.decode().strip().encode("utf-16-le"), "line 1: refused", id="utf-16"),
        pytest.param(b"\x00" * 64 + b"\n", "line 1: refused, malformed", id="zeros"),
        pytest.param(b" " * 2_000_000 + WHOLE, "line 1: refused, too-large", id="oversized-line"),
        pytest.param(line("x" * 201), "line 1: refused, malformed", id="title-too-long"),
        pytest.param(
            json.dumps(table() | {"protected": {"contact": "x" * 20_000, "source_description": "y" * 20_000}}
                       | {"report": {"title": "t", "text": "z" * 20_000, "narrative": "n" * 20_000}}).encode(),
            "line 1: refused, too-large",
            id="over-64-KiB",
        ),
        pytest.param(line(surprise=1), "line 1: refused, malformed", id="unknown-field"),
        pytest.param(line(schema=2), "line 1: refused", id="newer-schema"),
        pytest.param(line(valid_until="2099-12-31T00:00:00"), "timezone", id="no-time-zone"),
        pytest.param(line(signal_type="rumour"), "line 1: refused, malformed", id="unknown-type"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_1(enclave: Enclave, tmp_path: Path, data: bytes, says: str) -> None:
    done = publish(enclave, tmp_path, data)
    assert says in done.error, done
    assert (done.status, done.stdout) == (1, "")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_no_such_file_is_one_line(enclave: Enclave, tmp_path: Path, name: str) -> None:
    done = enclave.publish("ncsc", tmp_path / name, *WHERE)
    assert "cannot read" in done.error
    assert done.status == 1


def test_the_good_lines_go_and_the_bad_are_listed_by_number(enclave: Enclave, tmp_path: Path) -> None:
    good = [line(f"Goede regel {n}") for n in range(4)]
    bad = [b"{broken\n", line("Regel \xff".encode("latin-1").decode("latin-1")).replace(b"\\u00ff", b"\xff")]
    huge = b'{"handling": "' + b"x" * 1_200_000 + b'"}\n'
    data = good[0] + bad[0] + b"\n" + good[1] + bad[1] + huge + good[2] + line(tlp="mauve") + good[3]
    done = publish(enclave, tmp_path, data, *WHERE, "--json")
    assert done.status == 1
    errors = done.stderr.splitlines()
    assert [e.split(": ")[1] for e in errors] == ["line 2", "line 5", "line 6", "line 8"], done
    admitted = {row["line"]: row for row in done.rows if row["verdict"] == "admitted"}
    assert sorted(admitted) == [1, 4, 7, 9]
    assert [row["line"] for row in done.rows if row["verdict"] == "refused"] == [2, 5, 6, 8]
    seen = enclave.watch("tafel", "--from-start", "--idle", "1.5")
    assert seen.status == 0, seen
    assert [t for t in titles(seen.rows) if t.startswith("Goede regel")] == [
        f"Goede regel {n}" for n in range(4)
    ]
    assert {row["signal"]["id"] for row in seen.rows} >= {row["signal"] for row in admitted.values()}


def test_one_object_over_many_lines(enclave: Enclave, tmp_path: Path) -> None:
    whole = json.dumps(table("Over vele regels"), indent=2).encode()
    assert publish(enclave, tmp_path, whole).status == 0


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "data",
    [MARK + WHOLE + WHOLE, MARK + json.dumps(table("Met BOM"), indent=2).encode(), MARK + WHOLE.rstrip()],
)
def test_a_byte_order_mark_before_the_text_is_passed_over(
    enclave: Enclave, tmp_path: Path, data: bytes
) -> None:
    assert publish(enclave, tmp_path, data).status == 0


@pytest.mark.parametrize(
    "source",
    [
        (),
        ("-",),
    ],
)
def test_standard_input(enclave: Enclave, source: tuple[str, ...]) -> None:
    done = run(
        "publish", *source, "--config", enclave.config("ncsc"), *WHERE, stdin=line("Van standaardinvoer")
    )
    assert done.status == 0, done
    assert done.stdout.startswith("admitted  depv/process  ")


def test_a_broken_object_over_many_lines_is_refused_whole(enclave: Enclave, tmp_path: Path) -> None:
    whole = json.dumps(table("Gebroken over vele regels"), indent=2).encode()
    done = publish(enclave, tmp_path, whole[:-20])
    assert done.status == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("level", ["stgc", "stgg", "stgzg"])
def test_every_state_secret_level_is_refused(enclave: Enclave, tmp_path: Path, level: str) -> None:
    done = publish(enclave, tmp_path, WHOLE, "--theme", "process", "--classification", level)
    assert "refused, classification" in done.error
    assert "state secret" in done.error
    assert done.status == 1


@pytest.mark.parametrize(
    ("party", "where", "says"),
    [
        pytest.param("ncsc", ("debate", "depv"), "refused, mandate", id="theme-outside-mandate"),
        pytest.param("tafel", ("process", "ong"), "refused, mandate", id="table-publishes-nothing"),
        pytest.param("kiesraad", ("debate", "ong"), "refused, prohibited", id="kiesraad-debate"),
        pytest.param("ec", ("international", "depv"), "refused, classification", id="above-clearance"),
        pytest.param("ncsc", ("nonsense", "ong"), "unknown theme", id="unknown-theme"),
        pytest.param("ncsc", ("process", "secret"), "unknown classification", id="unknown-classification"),
        pytest.param("ncsc", ("process", "ong", "nobody"), "refused, audience", id="unknown-audience"),
        pytest.param("ncsc", ("process", "ong", "own"), "refused, audience", id="audience-own"),
    ],
)
def test_what_the_register_does_not_allow_is_refused(
    enclave: Enclave, tmp_path: Path, party: str, where: tuple[str, ...], says: str
) -> None:
    source = tmp_path / "signal.json"
    source.write_bytes(WHOLE)
    names = ("--theme", "--classification", "--audience")
    options = [x for pair in zip(names, where, strict=False) for x in pair]
    done = enclave.publish(party, source, *options)
    assert says in done.error, done
    assert (done.status, done.stdout) == (1, "")


def test_an_assessment_by_the_kiesraad_names_its_basis(enclave: Enclave, tmp_path: Path) -> None:
    source = tmp_path / "signal.json"
    source.write_bytes(line("Eigen analyse", signal_type="assessment"))
    done = enclave.publish("kiesraad", source, *WHERE)
    assert "refused, prohibited" in done.error
    assert "basis: Beslisnota" in done.error
    assert done.status == 1


@pytest.mark.parametrize(
    ("handling", "says"),
    [
        ({"valid_until": "2020-01-01T00:00:00Z"}, "refused, expired"),
        ({"classified_until": None}, "refused, classification"),
    ],
)
def test_a_signal_past_its_time_or_without_an_end_is_refused(
    enclave: Enclave, tmp_path: Path, handling: dict[str, object], says: str
) -> None:
    done = publish(enclave, tmp_path, line("Verlopen", **handling))
    assert says in done.error
    assert done.status == 1


@pytest.mark.parametrize(
    "arguments",
    [("publish",), ("publish", "--nonsense"), ("nonsense",), ("watch", "--count", "many", "--config", "x")],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert "--help" in done.error
