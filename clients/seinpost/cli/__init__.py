# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The `seinpost` command: arguments in, exit status out. The only place of this package that exits.

Exit status: 0 done, 1 something refused or invalid, 2 usage, 3 unreachable, 4 own keys or register, 130
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from seinpost_schemas.errors import DiskError, SeinpostError, SetupError, UnavailableError, UsageError

from ._audit_app import audit
from ._options import AsJson, Config, Count, Day, Lang, Language, PassphraseFile, Port, Role, Seconds
from ._output import explain, flush_output, let_go_of_output
from ._proof_app import proof
from ._register_app import register
from ._tty import clean, fail, show_progress

HELP = """Publish and read signals of election interference: signed, end-to-end encrypted, by mandate.

First steps, with an enclave from 'seinpost-broker init proef' that 'seinpost-broker run proef' serves:

  seinpost watch --config proef/tafel.toml

  seinpost publish signal.json --config proef/ncsc.toml --theme process --classification depv

Exit status: 0 done, 1 something refused or invalid, 2 usage, 3 unreachable, 4 own keys or register, 130 Ctrl-C.
"""

app = cyclopts.App(name="seinpost", help=HELP, help_format="markdown", version_flags=["--version"])


@app.command
def keygen(  # noqa: PLR0913 - the options of a command
    file: Path,
    *,
    party: str,
    name: str,
    oin: str | None = None,
    machine: str | None = None,
    witness_of: str | None = None,
    tls_certificate: Path | None = None,
    user: Literal["nkey", "certificate"] = "nkey",
    certificate: Path | None = None,
    key: Path | None = None,
    key_passphrase_file: Path | None = None,
    token: str | None = None,
    token_module: Path | None = None,
    pin_file: Path | None = None,
    succeeds: Path | None = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Make an identity: FILE (secret, mode 0600) and FILE.request.json (public, for a registrar).

    Example: seinpost keygen ncsc-1.key --party ncsc --name ncsc-1

    Parameters
    ----------
    file
        Where the identity goes; never overwritten.
    party
        The party's token in the register.
    name
        This identity's name, one per machine or person.
    oin
        The party's OIN, 20 digits: a registrar compares it with the register's.
    machine
        Where it will be used, in words, for the registrar.
    witness_of
        The enclave that it is to witness: adds its cosignature keys to the request.
    tls_certificate
        A PEM file with the certificate that it connects with, whose key the register then holds.
    user
        What the server is to know it by: nkey, or the subject of that certificate.
    certificate
        A PEM file with the party's certificate for authenticity, and those of its issuers: it seals the new keys.
    key
        The key of that certificate, in PEM, at mode 0600.
    key_passphrase_file
        A file (mode 0600) with that key's passphrase, if it has one.
    token
        The label of a PKCS#11 token that makes the Ed25519 half of the signing key and keeps it.
    token_module
        The token's PKCS#11 module, such as /usr/lib/softhsm/libsofthsm2.so.
    pin_file
        A file (mode 0600) with the token's PIN; else SEINPOST_PIN, or it is asked for.
    succeeds
        The configuration of the identity whose place this one takes: its key vouches for the request, and its state
        directory stays in use.
    """
    from .keygen import Owner, Seal, Token, load_predecessor, run  # noqa: PLC0415 - each command loads only what it needs

    owner = Owner(party, name, oin, machine, tls_certificate, user)
    seal, keeper = Seal(certificate, key, key_passphrase_file), Token(token, token_module, pin_file)
    before = load_predecessor(succeeds, party) if succeeds is not None else None
    return run(file, owner, passphrase_file, witness_of, seal, keeper, before, as_json=as_json)


@app.command
def publish(
    source: Annotated[
        Path,
        Parameter(help="A signal as JSON, or JSON lines; - for standard input.", allow_leading_hyphen=True),
    ] = Path("-"),
    *,
    config: Config,
    theme: str,
    classification: str,
    audience: str | None = None,
    audited: Annotated[
        bool,
        Parameter(negative="", help="Wait for the proof that each is in the log that a quorum cosigned."),
    ] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Publish signals and print the broker's answer to each.

    Good signals of a JSON-lines file still go when others are bad: those are listed with line numbers and the
    exit status is 1.

    Parameters
    ----------
    theme
        process, debate, parties or international.
    classification
        ong or depv. State secrets are refused before anything is encrypted.
    audience
        A named audience of the register, such as all or tafel; else the mandate's default.
    """
    from .publish import run  # noqa: PLC0415

    return asyncio.run(
        run(
            source, config, theme, classification, audience, passphrase_file, as_json=as_json, audited=audited
        )
    )


@app.command
def watch(
    *,
    config: Config,
    from_start: Annotated[
        bool,
        Parameter(
            negative="",
            help="Read everything again, not only what is new. What was not reached when it stops comes again the next "
            "time; until then it cannot be answered by its id, nor recalled by it if another identity sent it.",
        ),
    ] = False,
    count: Annotated[Count | None, Parameter(help="Stop after this many signals.")] = None,
    idle: Annotated[Seconds | None, Parameter(help="Stop when nothing came for this many seconds.")] = None,
    lang: Lang = "nl",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Show verified signals as they come, newest last; goes on where this identity left off.

    What does not verify is never shown as a signal: it is an alarm on standard error, and the exit status is 1. With
    --idle it is 3 when nothing was read because another process, such as a console, reads as this identity.
    """
    from .watch import run  # noqa: PLC0415

    return asyncio.run(
        run(
            config,
            passphrase_file,
            from_start=from_start,
            count=count,
            idle=idle,
            as_json=as_json,
            language=lang,
        )
    )


@app.command
def console(
    *,
    config: Config,
    port: Annotated[Port, Parameter(help="The port on 127.0.0.1; 0 takes a free one.")] = 0,
    browser: Annotated[bool, Parameter(help="Open the browser by itself.")] = True,
    lang: Annotated[Language, Parameter(help="nl or en, for what the terminal says.")] = "nl",
    passphrase_file: PassphraseFile = None,
) -> int:
    """Serve the table's console on this machine, to the holder of the link that is printed.

    Needs pip install 'seinpost[console]'. Runs until Ctrl-C. Nothing leaves this machine, and no signal is
    stored in the clear.

    Example: seinpost console --config proef/tafel.toml --no-browser
    """
    from .console import run  # noqa: PLC0415

    return asyncio.run(run(config, passphrase_file, port=port, browser=browser, language=lang))


@app.command
def situation(
    target: Path,
    *,
    config: Config,
    first: Annotated[
        Day | None, Parameter(help="The first day, such as 2026-11-24; today if it is left out.")
    ] = None,
    last: Annotated[Day | None, Parameter(help="The last day, which is part of it.")] = None,
    theme: Annotated[list[str] | None, Parameter(help="One theme, or more of them; else all.")] = None,
    exercise: Annotated[bool, Parameter(negative="", help="Of the exercise, not of what is real.")] = False,
    lang: Lang = "nl",
    passphrase_file: PassphraseFile = None,
) -> int:
    """Write the situation report of a period as PDF, marked on every page, with the proof of each signal.

    Needs pip install 'seinpost[console]'. The file is in the clear: treat it as its marking says. Exit status 1
    when there is an alarm about the feed.

    Example: seinpost situation beeld.pdf --config proef/tafel.toml --theme debate

    Parameters
    ----------
    target
        A new file.
    """
    from .console import run_situation  # noqa: PLC0415

    days = {"first": first, "last": last or first}
    fields = {name: day.isoformat() if day else "" for name, day in days.items()}
    fields["exercise"] = "1" if exercise else "0"
    return asyncio.run(run_situation(config, passphrase_file, target, fields, theme or [], lang))


@app.command
def official(
    number: str,
    *,
    config: Config,
    role: Annotated[Role, Parameter(help="reader or coordinator.")] = "reader",
    password_file: Annotated[
        Path | None, Parameter(help="A file (mode 0600) whose first line is the password; else a prompt.")
    ] = None,
    remove: Annotated[bool, Parameter(negative="", help="End the account and its sessions instead.")] = False,
) -> int:
    """Let an official log in to the console of this identity, on this machine only; or let them no more.

    With one account or more, nobody uses the console without logging in; who opens a protected section is
    logged under this number. A running console takes a change over at once.

    Example: seinpost official 2041 --role coordinator --config proef/tafel.toml

    Parameters
    ----------
    number
        A number without a meaning outside the organisation; names stay with whoever hands it out.
    """
    from .console import add_official, remove_official  # noqa: PLC0415

    if remove:
        return remove_official(config, number)
    return add_official(config, number, role, password_file)


@app.command
def witness(
    config: Annotated[
        list[Path], Parameter(help="The witness's configuration (TOML); more of them run side by side.")
    ],
    *,
    passphrase_file: PassphraseFile = None,
    resume: Annotated[
        bool, Parameter(negative="", help="Take up a lost state from what is published under its own name.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Witness every log of the enclave: check that each only grows, remember, cosign.

    Runs until stopped. What it has seen is on disk before anyone gets its signature. When that was lost or put
    back, it cosigns nothing of the logs of which it said more than it knows, and says what to do.

    Example: seinpost witness proef/ncsc-witness.toml
    """
    from .witness import run  # noqa: PLC0415

    return asyncio.run(run(config, passphrase_file, resume=resume, as_json=as_json))


@app.command
def feedback(
    signal: str,
    act: str,
    *,
    config: Config,
    text: str | None = None,
    official: str | None = None,
    sender: str | None = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Say something of a signal that was read here, to everyone who may read it.

    Example: seinpost feedback 0190b3a1-… dispute --text "Het adres is van onszelf" --config tafel.toml

    Parameters
    ----------
    signal
        The signal's id, as watch --json shows it.
    act
        corroborate, dispute, false-positive, action-taken or question.
    official
        A pseudonymous number of the person who says it.
    sender
        The sending party, when two used one id.
    """
    from .acting import run_feedback  # noqa: PLC0415

    report = {"act": act, "text": text, "official": official}
    return asyncio.run(run_feedback(signal, report, sender, config, passphrase_file, as_json=as_json))


@app.command
def recall(
    signal: str,
    *,
    reason: str,
    config: Config,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Take back a signal of your own party: every reader withdraws it from view, and says so in its receipts.

    The log keeps the proof that it existed. Who has withdrawn it: seinpost receipts SIGNAL.

    Example: seinpost recall 0190b3a1-… --reason mistake --config ncsc.toml

    Parameters
    ----------
    signal
        The signal's id, as publish printed it.
    reason
        mistake, false-positive, wrong-audience, personal-data, legal or superseded.
    """
    from .acting import run_recall  # noqa: PLC0415

    return asyncio.run(run_recall(signal, reason, config, passphrase_file, as_json=as_json))


@app.command
def share(
    reader: str,
    *,
    config: Config,
    theme: str | None = None,
    classification: str | None = None,
    since: Annotated[
        dt.datetime | None,
        Parameter(help="Only what was admitted since, with its offset: 2026-11-24T09:00:00Z."),
    ] = None,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say what would be shared, and share nothing.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Let an identity that came later read what was published before it: a new machine, or a party that joined.

    To identities of your own party everything that you can open; to others what your party published itself, if its
    mandate says share. Only what the reader would be sent today; every share is in the log, where all can see it.

    Example: seinpost share ncsc-2 --config ncsc.toml

    Parameters
    ----------
    reader
        The identity's name in the register.
    theme
        process, debate, parties or international; all of them otherwise.
    classification
        ong or depv; both otherwise.
    """
    from .share import Wanted, run  # noqa: PLC0415

    wanted = Wanted(theme, classification, since)
    return asyncio.run(run(reader, wanted, config, passphrase_file, dry_run=dry_run, as_json=as_json))


@app.command
def revoke(
    *,
    config: Config,
    suspect_from: Annotated[
        dt.datetime | None,
        Parameter(
            help="From when it may be in other hands, with its offset: 2026-11-24T09:00:00Z; now otherwise."
        ),
    ] = None,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Revoke this very identity, for good: for a machine that is lost or done with, by who holds its keys.

    Within a minute its connections are closed, what it sends is refused, and others seal past it. Who no longer has
    its keys asks a registrar: seinpost register revoke.

    Example: seinpost revoke --config laptop.toml --suspect-from 2026-11-24T09:00:00Z
    """
    from .revoke import run  # noqa: PLC0415

    return asyncio.run(run(config, suspect_from, passphrase_file, sure=yes, as_json=as_json))


@app.command
def receipts(
    signal: str | None = None,
    *,
    config: Config,
    limit: Annotated[Count, Parameter(help="How many of the newest signals.")] = 50,
    lang: Lang = "nl",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Show, for each signal that this identity sent, which parties have and have not opened it.

    Late is who has not opened an immediate signal within 15 minutes, a high one within an hour, a low one within
    three days, any other within a day.

    Parameters
    ----------
    signal
        Only this one.
    """
    from .receipts import run  # noqa: PLC0415

    return asyncio.run(run(signal, limit, config, passphrase_file, as_json=as_json, language=lang))


app.command(proof)
app.command(audit)
app.command(register)


@app.command
def demo(
    *,
    headless: Annotated[bool, Parameter(negative="", help="End by itself, with one JSON line.")] = False,
    keep: Annotated[Path | None, Parameter(help="Make the enclave here and keep it.")] = None,
) -> int:
    """Run a whole enclave on this machine: five parties publish real DISARM incidents, the table watches.

    Needs the broker: pip install 'seinpost[broker]'. In a terminal it stays live until Ctrl-C; without one, or
    with --headless, it ends by itself and its last line on standard output is JSON.
    """
    from seinpost.demo.run import run  # noqa: PLC0415

    return asyncio.run(run(headless=headless or not sys.stdout.isatty(), keep=keep))


def main() -> None:
    """The command's entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or file that lacks a character gets its number: one signal must not stop the others.
            stream.reconfigure(errors="backslashreplace")
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - faster where installed, never needed

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        status = _run()
        # Here a failure is a line and a status; as the interpreter ends it would be a traceback.
        flush_output()
    except BrokenPipeError:
        # The reader of our output has gone: nothing more to say, and nothing to say it to.
        let_go_of_output()
        status = 1
    except OSError as error:
        let_go_of_output()
        with contextlib.suppress(OSError):
            fail(explain(error))
        status = 1
    sys.exit(status)


def _run() -> int:
    """The command that the arguments name; its exit status. Raises ``OSError`` where nobody foresaw one."""
    try:
        status = app(exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        fail(f"{error} (see --help)")
        return 2
    except UsageError as error:
        fail(str(error))
        return 2
    except (SetupError, DiskError) as error:
        # What is kept in files of one's own: keys, the register, the identity's state.
        fail(str(error))
        return 4
    except UnavailableError as error:
        fail(str(error))
        return 3
    except SeinpostError as error:
        fail(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except _database_error() as error:
        fail(f"the state directory cannot be used: {error}; mend that, and start again")
        return 4
    return status if isinstance(status, int) else 0


def _database_error() -> type[Exception]:
    import sqlite3  # noqa: PLC0415 - most commands have no database

    return sqlite3.Error


__all__ = ["app", "clean", "fail", "main", "show_progress"]
