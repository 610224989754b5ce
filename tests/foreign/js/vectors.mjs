// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Running the files of test vectors (docs/spec.md, section 11).

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { batchContext } from "./batch.mjs";
import { fromHex } from "./bytes.mjs";
import { decodeClearBody } from "./clear_bodies.mjs";
import { Refusal } from "./errors.mjs";
import { decodeHeader, isSealed, objectHash } from "./header.mjs";
import { parseJson, plain } from "./json.mjs";
import { openVector } from "./opening.mjs";
import { statementType, verifyStatement } from "./statements.mjs";

// Per file: what is run on a vector, and which of its members hold the expected outcome of a success.
const FILES = {
  opening: {
    run: async (vector) => {
      const { epochId, secret, protectedSecret, signals, leaves } = await openVector(vector);
      return { epoch_id: epochId, secret, protected_secret: protectedSecret, signals, leaves };
    },
    expected: ({ epoch_id, secret, protected_secret, signals, leaves }) => ({
      epoch_id,
      secret,
      protected_secret,
      signals,
      leaves,
    }),
  },
  headers: {
    run: async (vector) => describeHeader(fromHex(vector.header)),
    expected: (vector) => vector.fields,
  },
  bodies: {
    run: async (vector) => decodeClearBody(vector.kind, fromHex(vector.body)),
    expected: (vector) => vector.fields,
  },
  statements: {
    run: async ({ statement, enclave_id, sender_public_key }) => {
      const bytes = fromHex(statement);
      return verifyStatement(statementType(bytes), bytes, fromHex(enclave_id), fromHex(sender_public_key));
    },
    expected: (vector) => vector.fields,
  },
};

/** A header's fields, its identity, and for a sealed kind the context of its parts. */
function describeHeader(bytes) {
  const { suite: _, ...fields } = decodeHeader(bytes);
  const described = { ...fields, object_hash: objectHash(bytes) };
  return isSealed(fields.kind) ? { ...described, batch_context: batchContext(bytes) } : described;
}

/** The category of a refusal; any other error is a mistake of ours and shows as `crash`. */
const outcomeOf = (error) => (error instanceof Refusal ? error.category : "crash");

async function runVector({ run, expected }, vector) {
  let outcome = "success";
  let reason = "";
  let result = null;
  try {
    result = plain(await run(vector));
  } catch (error) {
    outcome = outcomeOf(error);
    reason = String(outcome === "crash" ? error.stack : error.message);
  }
  if (outcome !== vector.expect) return { name: vector.name, expect: vector.expect, outcome, reason };
  const wanted = expected(vector);
  if (outcome !== "success" || isDeepStrictEqual(result, wanted)) return null;
  return { name: vector.name, expect: "success", outcome: "another result", result, wanted };
}

/** Run every file of a directory: per file the number that agreed, and each vector that did not. */
export async function runVectors(directory) {
  const report = {};
  for (const [name, file] of Object.entries(FILES)) {
    const { vectors } = parseJson(await readFile(join(directory, `${name}.json`), "utf-8"));
    const failed = [];
    for (const vector of vectors) {
      const failure = await runVector(file, vector);
      if (failure) failed.push(failure);
    }
    report[name] = { passed: vectors.length - failed.length, failed };
  }
  return report;
}
