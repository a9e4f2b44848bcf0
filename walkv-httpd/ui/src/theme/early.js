/* SPDX-License-Identifier: MIT
 * Sets the theme before the first paint. The rest of it is in theme.ts; both know the name of the setting. */
(function () {
    var chosen = null;
    try {
        chosen = localStorage.getItem('walkv.theme');
    } catch (e) {
        chosen = null;
    }
    var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.classList.toggle('dark', dark);
})();
