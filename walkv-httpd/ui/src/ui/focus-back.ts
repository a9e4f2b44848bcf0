// SPDX-License-Identifier: MIT
// The focus goes back to where it was when a window above the page closes. radix-ui does that for a window with a button of
// its own that opens it; ours are opened by many things.
import { useState } from 'react';

function focusedNow(): HTMLElement | null {
    const active = document.activeElement;
    // The entry of a menu is about to go; the button that opens the menu stays.
    const menu = active?.closest('[role=menu]');
    const found = menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : active;
    return found instanceof HTMLElement ? found : null;
}

/** For the `onCloseAutoFocus` of a component that is there for as long as the window is open. */
export function useFocusBack(): (event: Event) => void {
    const [before] = useState(focusedNow);
    return (event) => {
        event.preventDefault();
        before?.focus();
    };
}
