// SPDX-License-Identifier: MIT
// All tests, in the order in which they run: basics first.
import './keys.mjs';
