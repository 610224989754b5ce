// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Small checkers from which the tables of sections are built (docs/spec.md, section 6.2).
// A checker takes a decoded value and refuses it, or returns it in the JSON form of section 6.7.

import { demand } from "./errors.mjs";
import { Timestamp } from "./timestamp.mjs";
import { isSignalIdText } from "./uuid7.mjs";

const characters = (text) => [...text].length;

export const text = (least, most) => (value) => {
  demand(typeof value === "string", "malformed", "not a text");
  const length = characters(value);
  demand(length >= least && length <= most, "malformed", "a text of a wrong length");
  return value;
};

export const matching = (pattern, most = Infinity) => (value) => {
  demand(typeof value === "string" && pattern.test(value), "malformed", "a text of a wrong form");
  demand(characters(value) <= most, "malformed", "a text that is too long");
  return value;
};

export const oneOf = (...tokens) => (value) => {
  demand(tokens.includes(value), "malformed", "an unknown word");
  return value;
};

export const integer = (least, most) => (value) => {
  demand(typeof value === "number" && value >= least && value <= most, "malformed", "an integer out of range");
  return value;
};

/** A boolean whose default is false: what is at its default is left out, so only true may stand. */
export const flag = (value) => {
  demand(value === true, "malformed", "not a boolean, or one at its default");
  return value;
};

export const time = (value) => {
  demand(value instanceof Timestamp, "malformed", "not a time");
  return value;
};

export const bin = (most) => (value) => {
  demand(value instanceof Uint8Array && value.length <= most, "malformed", "not bytes, or too many");
  return Buffer.from(value).toString("base64");
};

export const signalId = (value) => {
  demand(typeof value === "string" && isSignalIdText(value), "malformed", "not a signal id");
  return value;
};

/** An array with at least one item: an empty one is at its default and left out. */
export const list = (item, most, least = 1) => (value) => {
  demand(Array.isArray(value), "malformed", "not an array");
  demand(value.length >= least && value.length <= most, "malformed", "an array of a wrong length");
  return value.map(item);
};

export const required = (check) => ({ check, required: true });

/** A map whose keys stand in the order of the table; each entry is a checker, or one marked as required. */
export const map = (table) => {
  const names = Object.keys(table);
  return (value) => {
    demand(value instanceof Map, "malformed", "not a map");
    const places = [...value.keys()].map((key) => names.indexOf(key));
    demand(!places.includes(-1), "malformed", "an unknown key");
    demand(places.every((place, i) => i === 0 || places[i - 1] < place), "malformed", "keys out of order");
    const missing = names.find((name) => table[name].required && !value.has(name));
    demand(missing === undefined, "malformed", `${missing} is missing`);
    return Object.fromEntries([...value].map(([key, item]) => [key, (table[key].check ?? table[key])(item)]));
  };
};

/** An array `[1, content]`. */
export const versioned = (check) => (value) => {
  demand(Array.isArray(value) && value.length === 2 && value[0] === 1, "malformed", "not [1, content]");
  return check(value[1]);
};
