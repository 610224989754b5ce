// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Signed notes and checkpoints: C2SP signed-note, tlog-checkpoint and tlog-cosignature (docs/spec.md, section 8.7).

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

import { concat, equal, label, u64, u8 } from "./bytes.mjs";
import { verifyComposite } from "./composite.mjs";
import { demand } from "./errors.mjs";
import { mayWitness } from "./witnesses.mjs";

const COMPOSITE = concat(u8(0xff), label("seinpost/composite/v1"));
const REGISTER_NOTE = label("seinpost/register-note/v1");

export function base64(text) {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  demand(Buffer.from(bytes).toString("base64") === text, "malformed", "not canonical base64");
  return bytes;
}

/** The text of a note and its lines: name, key id (4 bytes), signature. */
export function parseNote(note) {
  const split = note.lastIndexOf("\n\n");
  demand(split >= 0 && note.endsWith("\n"), "malformed", "a note has a text, an empty line and signatures");
  const text = note.slice(0, split + 1);
  const lines = note
    .slice(split + 2, -1)
    .split("\n")
    .map((line) => {
      const [dash, name, blob, ...more] = line.split(" ");
      demand(dash === "—" && blob !== undefined && more.length === 0, "malformed", "not a signature line");
      const raw = base64(blob);
      demand(raw.length > 4, "malformed", "a signature line is too short");
      return { name, id: raw.slice(0, 4), signature: raw.slice(4) };
    });
  return { text, lines };
}

const keyId = (name, typedKey) => sha256(concat(label(name), u8(0x0a), typedKey)).slice(0, 4);

const lineOf = (note, name, typedKey) =>
  note.lines.find((line) => line.name === name && equal(line.id, keyId(name, typedKey)));

const stamp = (signature) => new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);

const strict = { zip215: false };

function subtreeMessage(name, timestamp, checkpoint) {
  const origin = label(checkpoint.origin);
  return concat(
    label("subtree/v1\n\0"),
    u8(name.length),
    label(name),
    u64(timestamp),
    u8(origin.length),
    origin,
    u64(0n),
    u64(BigInt(checkpoint.size)),
    checkpoint.root,
  );
}

function mldsaLine(line, name, key, checkpoint) {
  const timestamp = stamp(line.signature);
  const message = subtreeMessage(name, timestamp, checkpoint);
  demand(ml_dsa44.verify(line.signature.slice(8), message, key), "signature", `the ML-DSA-44 line of ${name} fails`);
  return timestamp;
}

/** Whether a witness cosigned with both lines: its lower timestamp, or undefined. */
function cosigned(note, checkpoint, text, witness) {
  const classical = lineOf(note, witness.name, concat(u8(0x04), witness.ed25519));
  const quantum = lineOf(note, witness.name, concat(u8(0x06), witness.mldsa44));
  if (classical === undefined || quantum === undefined) return undefined;
  const timestamp = stamp(classical.signature);
  const message = label(`cosignature/v1\ntime ${timestamp}\n${text}`);
  const holds = ed25519.verify(classical.signature.slice(8), message, witness.ed25519, strict);
  demand(holds, "signature", `the Ed25519 cosignature of ${witness.name} fails`);
  const other = mldsaLine(quantum, witness.name, witness.mldsa44, checkpoint);
  return timestamp < other ? timestamp : other;
}

/** A checkpoint that counts: both lines of the log, and a quorum of witnesses. */
export function verifyCheckpoint(data, origin, register) {
  const note = parseNote(data);
  const [name, size, root, end, ...more] = note.text.split("\n");
  demand(end === "" && more.length === 0 && /^(0|[1-9][0-9]*)$/.test(size), "malformed", "not a checkpoint");
  demand(BigInt(size) < 1n << 63n, "malformed", "a size that nobody can keep");
  demand(name === origin, "binding", `a checkpoint of ${name}, not of ${origin}`);
  const checkpoint = { origin, size: Number(size), root: base64(root) };
  const keys = { ed25519: base64(register.log.ed25519), mldsa44: base64(register.log.mldsa44) };
  const classical = lineOf(note, origin, concat(u8(0x01), keys.ed25519));
  const quantum = lineOf(note, origin, concat(u8(0x06), keys.mldsa44));
  demand(classical !== undefined && quantum !== undefined, "signature", "a line of the log is missing");
  const holds = ed25519.verify(classical.signature, label(note.text), keys.ed25519, strict);
  demand(holds, "signature", "the Ed25519 line of the log fails");
  mldsaLine(quantum, origin, keys.mldsa44, checkpoint);
  const witnesses = register.witnesses
    .map((w) => ({
      name: `${register.enclave}/witness/${w.name}`,
      party: w.party,
      ed25519: base64(w.ed25519),
      mldsa44: base64(w.mldsa44),
    }))
    .filter((w) => {
      // A line of a listed witness that fails refuses the note, whether it would count or not.
      const timestamp = cosigned(note, checkpoint, note.text, w);
      return timestamp !== undefined && mayWitness(register, w, origin, timestamp);
    })
    .map((w) => w.name);
  demand(witnesses.length >= register.quorum, "signature", `${witnesses.length} of ${register.quorum} witnesses`);
  return { ...checkpoint, witnesses };
}

/** Raise unless a threshold of these registrars (C2SP verifier keys) signed the note. */
export function verifyRegistrars(note, registrars) {
  const signed = registrars.keys.filter((vkey) => {
    const [name, , blob] = splitKey(vkey);
    const typed = base64(blob);
    demand(equal(typed.slice(0, COMPOSITE.length), COMPOSITE), "malformed", "not a registrar's key");
    const line = lineOf(note, name, typed);
    if (line === undefined) return false;
    const message = concat(REGISTER_NOTE, label(note.text));
    const holds = verifyComposite(typed.slice(COMPOSITE.length), line.signature, message, REGISTER_NOTE);
    demand(holds, "signature", `the signature of ${name} fails`);
    return true;
  });
  demand(signed.length >= registrars.threshold, "signature", "too few registrars signed");
}

/** A verifier key whose base64 holds a plus sign itself. */
function splitKey(vkey) {
  const first = vkey.indexOf("+");
  const second = vkey.indexOf("+", first + 1);
  return [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)];
}
