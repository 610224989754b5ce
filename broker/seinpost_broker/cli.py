# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost-broker`: make an enclave and serve it. The only place of this package that exits."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal, TextIO, cast

import cyclopts
import structlog
import uvloop
from cyclopts import Parameter
from cyclopts.validators import Number

from seinpost_broker.adapters.channel import load_channel
from seinpost_broker.adapters.enclave_dir import EnclaveDir, directory_of
from seinpost_broker.adapters.log_output import LogOutput
from seinpost_broker.adapters.nats_bus import NatsBus
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.app import serve
from seinpost_broker.founding import init as make_enclave
from seinpost_broker.founding_channel import tls_options
from seinpost_broker.founding_offline import found, prepare_enclave
from seinpost_broker.publishing import hand_in_register
from seinpost_broker.register_follower import find_drift, render_config
from seinpost_broker.stopping import stop
from seinpost_broker.trial_pki_cli import app as trial_pki_app
from seinpost_schemas.errors import SeinpostError, SetupError, UnavailableError, UsageError

app = cyclopts.App(
    name="seinpost-broker",
    help="Make a Seinpost enclave and serve it: admits signals by the register, and can open none of them.",
    version_flags=["--version"],
)

_Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65_535))]
_CONNECT_SECONDS = 5.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_EPILOGUE = (
    "Exit status: 0 done, 1 refused or invalid, 2 usage, 3 unreachable, 4 keys or register, 130 Ctrl-C."
)


app.command(trial_pki_app)


@app.command
def init(  # noqa: PLR0913 - the options of a command
    directory: Path,
    *,
    enclave: str = "proef",
    host: str = "127.0.0.1",
    port: _Port = 4222,
    party: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    witnesses: bool = True,
    tls_name: str | None = None,
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
    tls_ca: Path | None = None,
    trial_pki: Annotated[bool, Parameter(negative="")] = False,
    users: Literal["nkey", "certificate"] = "nkey",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Make an enclave for a trial: signed register, identities, NATS configuration, a configuration for each party.

    Every key of it is made on this machine, at mode 0600. An enclave for use is made with prepare and found.

    Example: seinpost-broker init proef && seinpost-broker run proef

    Parameters
    ----------
    directory
        A new or empty directory.
    enclave
        The enclave's name: lower-case letters, digits, hyphens.
    host
        Where its own nats-server will listen; only with TLS elsewhere than on this machine.
    port
        The port for it.
    party
        Make identities for these parties only (repeat it); all of the shipped register otherwise.
    witnesses
        Name the witnesses of the shipped register: their quorum must cosign before anything counts. Without
        them readers have the broker's word only.
    tls_name
        The DNS name in the server's certificate, by which the parties reach it.
    tls_certificate
        The server's certificate and those of its issuers, in PEM. The broker uses it as a client too.
    tls_key
        Its key, in PEM, at mode 0600.
    tls_ca
        The CAs of the server's and of the parties' certificates, in PEM.
    trial_pki
        Make certificates in the shape of PKIoverheid G4 for a trial, in DIR/pki and DIR/identities.
    users
        With --trial-pki: how the register names identities to the server, by nkey or by certificate.
    as_json
        Print the result as JSON.
    """
    tls = tls_options(tls_name, (tls_certificate, tls_key, tls_ca), users, trial=trial_pki)
    make_enclave(directory, enclave, host, port, party, _progress, witnesses=witnesses, tls=tls)
    _progress(
        f"FOR TRIALS ONLY: the keys of registrars, parties and witnesses were made on this machine, in {directory}; "
        "whoever reads it is all of them. For use: seinpost-broker prepare"
    )
    enclave_id, objects = EnclaveDir(directory).load_founding()
    parties = sorted(p.stem for p in directory.glob("*.toml") if p.stem != "broker")
    if as_json:
        print(json.dumps({"enclave": enclave_id.hex(), "directory": str(directory), "parties": parties}))
    else:
        register = directory_of(enclave_id, objects).current.register
        print(f"enclave {register.enclave} ({enclave_id.hex()}), {len(parties)} identities, in {directory}")
        print(f"next: seinpost-broker run {directory}")
        print(f"then: seinpost watch --config {directory}/tafel.toml")
        print(f"take {directory}/registrars offline; hand each party its files from {directory}/identities")


@app.command
def prepare(  # noqa: PLR0913 - the options of a command
    directory: Path,
    *,
    registrar: Annotated[tuple[Path, ...], Parameter(negative="")],
    threshold: int,
    enclave: str = "verkiezingen",
    host: str = "127.0.0.1",
    port: _Port = 4222,
    tls_name: str | None = None,
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
    tls_ca: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Prepare an enclave for use: the broker's own keys, and the text of version 1 for the registrars to sign.

    Their keys are made by themselves, with seinpost register key, and never are on this machine; nor are the
    partners'. The text has the parties and mandates of the shipped register and no identities: registrars take them
    in with seinpost register add, give the parties their OINs, and sign. Then: seinpost-broker found.

    Example: seinpost-broker prepare E --registrar bzk-1.key.vkey --registrar nctv-1.key.vkey --threshold 2

    Parameters
    ----------
    directory
        A new or empty directory.
    registrar
        A registrar's verifier key, as seinpost register key wrote it (repeat it).
    threshold
        How many registrars must sign.
    enclave
        The enclave's name: lower-case letters, digits, hyphens.
    host
        Where its own nats-server will listen; only with TLS elsewhere than on this machine.
    port
        The port for it.
    tls_name
        The DNS name in the server's certificate, by which the parties reach it.
    tls_certificate
        The server's certificate and those of its issuers, in PEM. The broker uses it as a client too.
    tls_key
        Its key, in PEM, at mode 0600.
    tls_ca
        The CAs of the server's and of the parties' certificates, in PEM.
    as_json
        Print the result as JSON.
    """
    tls = tls_options(tls_name, (tls_certificate, tls_key, tls_ca), "nkey", trial=False)
    draft = prepare_enclave(directory, enclave, host, port, registrar, threshold, tls)
    if as_json:
        print(json.dumps({"directory": str(directory), "draft": str(draft)}))
    else:
        print(f"{draft}: the text of version 1; nobody is in it yet")
        print(f"next: seinpost register add REQUEST --to {draft}, for each identity and witness")
        print(f"then: seinpost register sign {draft} --key KEY, by {threshold} registrars")
        print(f"then: seinpost-broker found {directory} {draft.with_suffix('.note')} --request REQUEST")


@app.command(name="found")
def found_enclave(
    directory: Path,
    note: Path,
    *,
    request: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Take the signed version 1 in: from then on the enclave can be served.

    Example: seinpost-broker found E register-1.note --request ncsc-1.key.request.json

    Parameters
    ----------
    directory
        What prepare made.
    note
        Version 1, signed by enough of its registrars.
    request
        The request file of each identity and witness that it names (repeat it).
    as_json
        Print the result as JSON.
    """
    enclave_id = found(directory, note, request).hex()
    if as_json:
        print(json.dumps({"enclave": enclave_id, "directory": str(directory)}))
    else:
        print(f"founded: enclave {enclave_id}")
        print("this number is everyone's root of trust: have it read out to each partner")
        print(f"next: seinpost-broker run {directory}")


@app.command
def run(directory: Path, *, witnesses: bool = True) -> None:
    """Serve an enclave until stopped; with its own supervised nats-server unless broker.toml names one.

    Logs are JSON lines on standard error; "ready" follows on standard output.

    Parameters
    ----------
    directory
        What init made.
    witnesses
        With its own nats-server: also run the witnesses whose identities are still in the directory. That is for
        trials; in use each party runs its own, with seinpost witness.
    """
    log, said = LogOutput(sys.stderr), LogOutput(sys.stdout)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, log)),
    )
    try:
        uvloop.run(_serve(EnclaveDir(directory), said, witnesses=witnesses))
    finally:
        log.close()
        said.close()


@app.command
def render(directory: Path) -> None:
    """Write DIR/nats/nats.conf again from the register, for a NATS that others run.

    Parameters
    ----------
    directory
        What init made.
    """
    enclave = EnclaveDir(directory)
    enclave_id, objects = enclave.load_known()
    changed = render_config(enclave, directory_of(enclave_id, objects).current, SystemClock().now_ms())
    print(f"{enclave.nats_config}: {'written' if changed else 'unchanged'}")


@app.command
def drift(directory: Path, *, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> int:
    """Compare a running server with the register and list every difference. Exit status 0: none, 1: some.

    Compares the written configuration, every stream with its settings, and every consumer. Changes nothing: the
    broker puts streams and consumers right when it starts and whenever the register changes.

    Parameters
    ----------
    directory
        What init made.
    as_json
        Print the result as JSON.
    """
    lines = asyncio.run(_find_drift(EnclaveDir(directory)))
    if as_json:
        print(json.dumps({"differences": lines}))
    else:
        print("\n".join(lines) or "the server is what the register says")
    return 1 if lines else 0


@app.command
def publish_register(
    directory: Path,
    note: Path,
    *,
    request: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    wait: Annotated[float, Parameter(negative="", validator=Number(gte=0, lte=86_400))] = 60.0,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Bring a signed version of the register in force: verify it, hand it to the broker that serves DIR, and wait.

    Without a running broker the next one takes it when it starts. A version that is in force already changes
    nothing.

    Example: seinpost-broker publish-register proef register-2.note --request ap-2.key.request.json

    Parameters
    ----------
    directory
        What init made.
    note
        The version, signed by enough registrars of the version before it and of its own.
    request
        The request file of each identity that joins (repeat it).
    wait
        At most this many seconds for the broker.
    as_json
        Print the result as JSON.
    """
    result = hand_in_register(EnclaveDir(directory), note, request, wait)
    if as_json:
        print(json.dumps({"version": result.version, "in_force": result.in_force}))
    elif result.in_force:
        print(f"version {result.version} is in force")
    else:
        print(f"version {result.version} is handed in; the broker takes it when it runs")


async def _find_drift(enclave: EnclaveDir) -> list[str]:
    config = enclave.load_config()
    seed, _ = enclave.load_secrets()
    view = directory_of(*enclave.load_known()).current
    url = config.url
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            bus = await NatsBus.connect(url, seed, load_channel(config.tls))
    except TimeoutError:
        raise UnavailableError(f"no server answers at {url}; is it running?") from None
    try:
        return await find_drift(enclave, bus, view, SystemClock().now_ms())
    finally:
        await bus.close()


async def _serve(enclave: EnclaveDir, said: LogOutput, *, witnesses: bool) -> None:
    def ready(url: str) -> None:
        said.write(f"ready on {url}\n")

    task = asyncio.ensure_future(serve(enclave, ready, witnesses=witnesses))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop, task)
    loop.add_signal_handler(signal.SIGINT, stop, task)
    try:
        await task
    except asyncio.CancelledError:
        said.write("stopped\n")
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _fail(message: str) -> None:
    # Not print: a supervisor starts again what has ended, and not what waits for its output to be taken.
    said = LogOutput(sys.stderr)
    said.write(f"seinpost-broker: {message}\n")
    said.close()


def _explain(error: OSError) -> str:
    why = error.strerror or type(error).__name__
    if error.filename is not None:
        return f"cannot use {error.filename}: {why}"
    if error.errno in _FULL:
        return f"not everything was written: {why}; make room, or send the output elsewhere"
    return f"stopped by the operating system: {why}"


def _let_go_of_output() -> None:
    # What is still waiting for standard output goes nowhere: the interpreter would try it again as it ends.
    if sys.stdout is not None:
        with contextlib.suppress(io.UnsupportedOperation):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run() -> int:
    """The command that the arguments name; its exit status. Raises ``OSError`` where nobody foresaw one."""
    try:
        status = app(exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        _fail(f"{error} (see --help)")
        return 2
    except UsageError as error:
        _fail(str(error))
        return 2
    except SetupError as error:
        _fail(str(error))
        return 4
    except UnavailableError as error:
        _fail(str(error))
        return 3
    except SeinpostError as error:
        _fail(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0


def main() -> None:
    """The command's entry point."""
    try:
        status = _run()
        if sys.stdout is not None:
            # Here a failure is a line and a status; as the interpreter ends it would be a traceback.
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone: nothing more to say, and nothing to say it to.
        _let_go_of_output()
        status = 1
    except OSError as error:
        _let_go_of_output()
        _fail(_explain(error))
        status = 1
    sys.exit(status)
