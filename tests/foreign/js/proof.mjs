// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The proof of one signal (docs/spec.md, section 8.9), from the enclave_id down to the sections that it shows.
// Rights (rules 1 to 3 of section 8.6) are not evaluated here; everything that is hashed or signed is.

import { sha256 } from "@noble/hashes/sha2.js";
import { parse as parseToml } from "smol-toml";

import { Reader, concat, equal, fromHex, label, toHex, u64, u8 } from "./bytes.mjs";
import { PUBLIC_KEY_LENGTH, verifyComposite } from "./composite.mjs";
import { senderId } from "./envelope.mjs";
import { demand } from "./errors.mjs";
import { HEADER_LENGTH, decodeHeader, isSealed } from "./header.mjs";
import { inclusionRoot, leafHash, treeRoot } from "./merkle.mjs";
import { base64, parseNote, verifyCheckpoint, verifyRegistrars } from "./note.mjs";
import { PREKEY, REVOCATION, statementSender, verifyStatement } from "./statements.mjs";

const DIRECTORY_ENTRY = label("seinpost/directory-entry/v1");
const KEYS = label("seinpost/keys/v1");
const TYPE = Object.freeze({ register: 1, keys: 2 });
const TLOG_PROOF = "c2sp.org/tlog-proof@v1";
const THEMES = ["", "process", "debate", "parties", "international"];
const CLASSIFICATIONS = ["ong", "depv"];

/** The directory's registers, each with the size from which it holds, and its key objects by their hash. */
function readDirectory(part, enclaveId) {
  const keys = new Map();
  const registers = [];
  const revoked = new Map();
  const leaves = [];
  const current = () => registers[registers.length - 1].register;
  for (const item of part.entries) {
    const entry = base64(item.entry);
    const reader = new Reader(entry);
    demand(entry.length === DIRECTORY_ENTRY.length + 41, "malformed", "not a directory entry");
    demand(equal(reader.take(DIRECTORY_ENTRY.length), DIRECTORY_ENTRY), "malformed", "not a directory entry");
    const type = reader.u8();
    reader.u64();
    if (item.object === undefined) {
      // No proof rests on who reads with which key.
      demand(type === PREKEY, "malformed", "only a prekey statement can be left out");
      leaves.push(leafHash(entry));
      continue;
    }
    const object = base64(item.object);
    const hash = sha256(concat(label("seinpost/directory-object/v1"), object));
    demand(equal(reader.take(32), hash), "signature", "a directory object is not the one that its entry names");
    leaves.push(leafHash(entry));
    if (type === TYPE.keys) {
      demand(equal(object.slice(0, KEYS.length), KEYS), "malformed", "not a key object");
      keys.set(toHex(sha256(object)), object.slice(KEYS.length, KEYS.length + PUBLIC_KEY_LENGTH));
    } else if (type === TYPE.register) {
      registers.push({ size: leaves.length, register: readRegister(object, registers, enclaveId) });
    } else if (type === PREKEY || type === REVOCATION) {
      const sender = statementSender(type, object);
      const { key } = memberOf({ keys, revoked }, current(), { sender_id: sender }, leaves.length - 1);
      verifyStatement(type, object, enclaveId, key);
      if (type === REVOCATION) revoked.set(toHex(sender), leaves.length);
    }
  }
  demand(registers.length > 0, "malformed", "the directory holds no register");
  return { keys, registers, revoked, size: leaves.length, root: treeRoot(leaves) };
}

function readRegister(object, before, enclaveId) {
  const note = parseNote(Buffer.from(object).toString("utf8"));
  const register = parseToml(note.text);
  if (before.length === 0) {
    const id = sha256(concat(label("seinpost/enclave/v1"), new TextEncoder().encode(note.text))).slice(0, 16);
    demand(register.version === 1 && equal(id, enclaveId), "binding", "the register is another enclave's");
  } else {
    const last = before[before.length - 1].register;
    demand(register.version === last.version + 1, "binding", "register versions follow each other");
    verifyRegistrars(note, last.registrars);
  }
  verifyRegistrars(note, register.registrars);
  return register;
}

/** Whose header it is, as the directory knew it at a size: not an identity that was revoked by then. */
function memberOf(directory, register, header, size) {
  const sender = toHex(header.sender_id);
  const listed = (register.revocations ?? []).some(({ sender_id }) => sender_id === sender);
  demand(!listed && !(directory.revoked.get(sender) <= size), "binding", "the sender is revoked");
  for (const party of register.parties) {
    for (const identity of party.identities ?? []) {
      if (identity.sender_id !== sender) continue;
      const key = directory.keys.get(identity.keys);
      demand(key !== undefined && equal(senderId(key), header.sender_id), "binding", "the sender's keys are others");
      return { party: party.token, identity: identity.name, key };
    }
  }
  return demand(false, "binding", "the sender is not in the register");
}

function readTlogProof(text) {
  const split = text.indexOf("\n\n");
  const [format, index, ...hashes] = text.slice(0, split).split("\n");
  demand(format === TLOG_PROOF && /^index (0|[1-9][0-9]*)$/.test(index), "malformed", "not a tlog-proof");
  return { index: Number(index.slice(6)), hashes: hashes.map(base64), note: text.slice(split + 2) };
}

function readSections(parts) {
  demand(parts.length === 4, "malformed", "a signal has four sections");
  return parts.map((part, j) => {
    if (part.digest !== undefined) {
      demand(part.salt === undefined && part.data === undefined, "malformed", "a digest stands alone");
      return { digest: base64(part.digest), data: null };
    }
    const data = base64(part.data);
    const digest = sha256(concat(label("seinpost/section/v1"), u8(j), base64(part.salt), data));
    return { digest, data };
  });
}

/** What a proof says; a Refusal when it does not hold. */
export function verifyProof(proof) {
  demand(proof.format === "seinpost-proof/1", "malformed", "another format");
  const enclaveId = fromHex(proof.enclave);
  const directory = readDirectory(proof.directory, enclaveId);
  const { register } = directory.registers[directory.registers.length - 1];
  const signed = verifyCheckpoint(proof.directory.note, `${register.enclave}/directory`, register);
  demand(signed.size === directory.size, "signature", "the directory is longer or shorter than what was signed");
  demand(equal(signed.root, directory.root), "signature", "the directory is not the one that was signed");

  const headerBytes = base64(proof.log.header);
  demand(headerBytes.length === HEADER_LENGTH, "malformed", "a header has 184 bytes");
  const header = decodeHeader(headerBytes);
  demand(equal(header.enclave_id, enclaveId), "binding", "the header is of another enclave");
  demand(isSealed(header.kind), "binding", "the envelope holds no signals");
  demand(proof.log.directory_size <= directory.size, "binding", "the directory ends before the entry's");
  const then = directory.registers.filter(({ size }) => size <= proof.log.directory_size).at(-1);
  demand(then !== undefined, "binding", "there was no register yet");
  const { party, identity, key } = memberOf(directory, then.register, header, proof.log.directory_size);
  const signature = base64(proof.log.signature);
  const context = label(`seinpost/kind-${header.kind}/v1`);
  demand(verifyComposite(key, signature, headerBytes, context), "signature", "the header's signature fails");

  const entry = concat(
    label("seinpost/entry/v1"),
    u64(BigInt(proof.log.admitted_ms)),
    u64(BigInt(proof.log.directory_size)),
    headerBytes,
    sha256(concat(label("seinpost/signature/v1"), signature)),
  );
  const tlog = readTlogProof(proof.log.proof);
  const place = `${CLASSIFICATIONS[header.classification]}/${THEMES[header.theme]}`;
  const log = verifyCheckpoint(tlog.note, `${register.enclave}/${proof.log.period}/${place}`, register);
  const root = inclusionRoot(leafHash(entry), tlog.index, log.size, tlog.hashes);
  demand(equal(root, log.root), "root", "the entry is not in the log");

  const id = fromHex(proof.signal.id.replaceAll("-", ""));
  const sections = readSections(proof.signal.sections);
  const leaf = sha256(
    concat(
      u8(0),
      label("seinpost/leaf/v1"),
      id,
      header.sender_id,
      header.epoch_id,
      ...sections.map(({ digest }) => digest),
    ),
  );
  const path = proof.batch.path.map(base64);
  const batchRoot = inclusionRoot(leaf, proof.batch.number, header.count, path);
  demand(equal(batchRoot, header.batch_root), "root", "the signal is not in its batch");
  return {
    enclave: proof.enclave,
    signal: proof.signal.id,
    party,
    identity,
    compartment: place,
    index: tlog.index,
    tree_size: log.size,
    witnesses: log.witnesses.length,
    sections: sections.map(({ data }) => (data === null ? null : toHex(data))),
  };
}
