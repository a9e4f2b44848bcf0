// SPDX-License-Identifier: MIT
// All tests, in the order in which they run: basics first.
import './keys.mjs';
import './queues.mjs';
import './live.mjs';
import './overview.mjs';
import './look.mjs';
import './outage.mjs';
import './hostile.mjs';
import './token.mjs';
import './proxy.mjs';
import './access.mjs';
import './pictures.mjs';
import './speed.mjs';
