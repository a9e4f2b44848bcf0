// SPDX-License-Identifier: MIT
// What browsers have and Node 18 has not.
import { webcrypto } from 'node:crypto';

const scope = globalThis as { crypto?: unknown };
scope.crypto ??= webcrypto;
