// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Signal ids (docs/spec.md, section 6.1).

import { toHex } from "./bytes.mjs";

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const isSignalId = (bytes) => bytes.length === 16 && bytes[6] >> 4 === 7 && bytes[8] >> 6 === 2;

export const isSignalIdText = (text) => TEXT.test(text);

export const signalIdText = (bytes) => toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
