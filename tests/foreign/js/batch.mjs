// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The sealed body, its parts and its leaves (docs/spec.md, sections 6.3 to 6.5).

import { sha256 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";

import { Reader, concat, equal, label, toHex, u64, u8 } from "./bytes.mjs";
import { decodeCanonical } from "./canonical.mjs";
import { openCobblestone } from "./cobblestone.mjs";
import { Refusal, demand } from "./errors.mjs";
import { hkdfExpand } from "./hkdf.mjs";
import { leafHash, treeRoot } from "./merkle.mjs";
import { unpad } from "./padding.mjs";
import { isSignalId } from "./uuid7.mjs";

const SHORTEST_PART = 328;
const SIGNED_CONTEXT = 148;

/** Cut a sealed body in its main part and its protected part (null if there is none). */
export function splitBody(body) {
  try {
    const reader = new Reader(body);
    const main = takePart(reader);
    const hidden = takePart(reader);
    demand(main, "malformed", "no main part");
    demand(reader.left === 0, "malformed", "the lengths do not end with the body");
    return { main, hidden };
  } catch (error) {
    if (error instanceof RangeError) throw new Refusal("malformed", "a length is beyond the body's end");
    throw error;
  }
}

function takePart(reader) {
  const length = reader.u32();
  if (length === 0) return null;
  demand(length >= SHORTEST_PART, "malformed", "a sealed part is too short");
  return reader.take(length);
}

function openPart(envelope, secret, text, sealed) {
  const { header, headerBytes } = envelope;
  const key = hkdfExpand(sha256, secret, concat(label(text), header.epoch_id, u64(header.seq)), 32);
  return decodePart(unpad(openCobblestone(key, batchContext(headerBytes), sealed)));
}

/** What the parts of a sealed body are bound to. */
export const batchContext = (headerBytes) =>
  sha256(concat(label("seinpost/batch-context/v1"), headerBytes.subarray(0, SIGNED_CONTEXT)));

function decodePart(content) {
  const value = decodeCanonical(content);
  demand(Array.isArray(value) && value.length === 2, "malformed", "a part is not [seed, rows]");
  const [seed, rows] = value;
  demand(isBin(seed, 32), "malformed", "a seed is not 32 bytes");
  demand(Array.isArray(rows), "malformed", "rows are not an array");
  return { seed, rows };
}

const isBin = (value, length) => value instanceof Uint8Array && (length === undefined || value.length === length);

/** Check the main part's rows against the header's count. */
function checkMainRows(rows, count, hasHidden) {
  demand(rows.length === count, "malformed", "the number of rows is not the count");
  const seen = new Set();
  for (const row of rows) {
    demand(Array.isArray(row) && row.length === 5, "malformed", "a row of the main part has five values");
    const [id, ...rest] = row;
    const hidden = rest.pop();
    demand(isBin(id, 16) && isSignalId(id), "malformed", "not a signal id");
    demand(!seen.has(toHex(id)), "malformed", "an id stands twice");
    seen.add(toHex(id));
    demand(rest.every((section) => section === null || isBin(section)), "malformed", "a section is not bytes");
    demand(hasHidden ? isBin(hidden, 32) : hidden === null, "malformed", "d3 does not suit the protected part");
  }
}

function checkHiddenRows(rows, count) {
  demand(rows.length > 0, "malformed", "an empty protected part");
  let before = -1;
  for (const row of rows) {
    demand(Array.isArray(row) && row.length === 2, "malformed", "a row of the protected part has two values");
    const [index, section] = row;
    demand(typeof index === "number" && index > before && index < count, "malformed", "indexes do not rise");
    demand(isBin(section), "malformed", "a section is not bytes");
    before = index;
  }
}

const salts = (seed, count) => shake256(concat(label("seinpost/salts/v1"), seed), { dkLen: 128 * count });

function digest(stream, i, j, section) {
  const at = 32 * (4 * i + j);
  const slot = stream.subarray(at, at + 32);
  return section === null ? slot : sha256(concat(label("seinpost/section/v1"), u8(j), slot, section));
}

/**
 * Open a verified envelope with its epoch's secrets: signals with their sections as bytes or null, and the
 * leaves, whose root is the header's. Without the protected secret the fourth section is null.
 */
export function openBatch(envelope, secret, protectedSecret) {
  const { header, body } = envelope;
  const parts = splitBody(body);
  const main = openPart(envelope, secret, "seinpost/main-key/v1", parts.main);
  checkMainRows(main.rows, header.count, parts.hidden !== null);
  let hidden = null;
  if (parts.hidden && protectedSecret) {
    hidden = openPart(envelope, protectedSecret, "seinpost/protected-key/v1", parts.hidden);
    checkHiddenRows(hidden.rows, header.count);
  }
  const signals = main.rows.map(([id, ...sections]) => ({ id, sections: [...sections.slice(0, 3), null] }));
  for (const [index, section] of hidden?.rows ?? []) signals[index].sections[3] = section;
  const lastDigests = fourthDigests(main, hidden, signals, parts.hidden !== null);
  const leaves = computeLeaves(header, main, signals, lastDigests);
  demand(equal(treeRoot(leaves), header.batch_root), "root", "the leaves do not have the signed root");
  return { signals, leaves };
}

/** d_3 of every signal: recomputed by who can, taken from the main part by who cannot. */
function fourthDigests(main, hidden, signals, hasHidden) {
  const count = signals.length;
  if (!hasHidden) {
    const stream = salts(main.seed, count);
    return signals.map((_, i) => digest(stream, i, 3, null));
  }
  const given = main.rows.map((row) => row[4]);
  if (!hidden) return given;
  const stream = salts(hidden.seed, count);
  const computed = signals.map(({ sections }, i) => digest(stream, i, 3, sections[3]));
  demand(computed.every((value, i) => equal(value, given[i])), "root", "a protected digest differs");
  return computed;
}

function computeLeaves(header, main, signals, lastDigests) {
  const stream = salts(main.seed, signals.length);
  return signals.map(({ id, sections }, i) => {
    const digests = [0, 1, 2].map((j) => digest(stream, i, j, sections[j]));
    const names = [label("seinpost/leaf/v1"), id, header.sender_id, header.epoch_id];
    return leafHash(concat(...names, ...digests, lastDigests[i]));
  });
}
