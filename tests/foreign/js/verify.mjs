// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The command. `node verify.mjs <vectors-dir>` runs the vectors and prints one line of JSON; it exits 0 only
// when every file has vectors and all agree. `node verify.mjs --envelope -` opens one envelope from JSON on
// standard input (a vector of opening.json without its outcome) and prints its signals, or the category of
// the refusal. `node verify.mjs --proof -` verifies the proof of one signal.

import { text } from "node:stream/consumers";

import { toHex } from "./bytes.mjs";
import { Refusal } from "./errors.mjs";
import { parseJson, plain } from "./json.mjs";
import { openVector } from "./opening.mjs";
import { verifyProof } from "./proof.mjs";
import { runVectors } from "./vectors.mjs";

async function verifyDirectory(directory) {
  const report = await runVectors(directory);
  console.log(JSON.stringify(report, (_, value) => (typeof value === "bigint" ? String(value) : value)));
  return Object.values(report).every(({ passed, failed }) => passed > 0 && failed.length === 0) ? 0 : 1;
}

async function openEnvelope() {
  const input = parseJson(await text(process.stdin));
  try {
    const { epochId, signals, leaves, decoded } = await openVector(input);
    console.log(JSON.stringify({ epoch_id: toHex(epochId), signals: plain(signals), leaves: plain(leaves), decoded }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.log(JSON.stringify({ error: error.category, message: error.message }));
  }
  return 0;
}

async function checkProof() {
  const proof = JSON.parse(await text(process.stdin));
  try {
    console.log(JSON.stringify(verifyProof(proof), (_, v) => (typeof v === "bigint" ? Number(v) : v)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.log(JSON.stringify({ error: error.category, message: error.message }));
    return 1;
  }
  return 0;
}

async function main([first, second, ...more]) {
  if (first === "--envelope" && second === "-" && more.length === 0) return openEnvelope();
  if (first === "--proof" && second === "-" && more.length === 0) return checkProof();
  if (first !== undefined && !first.startsWith("-") && second === undefined) return verifyDirectory(first);
  console.error("usage: node verify.mjs <vectors-dir> | node verify.mjs --envelope - | --proof -");
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
