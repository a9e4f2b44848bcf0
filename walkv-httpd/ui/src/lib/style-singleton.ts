// SPDX-License-Identifier: MIT
// Stands in for the package react-style-singleton (see build/strict-styles.ts): the same three functions, with a
// constructed style sheet where that adds a <style> element.
import { useEffect } from 'react';

interface Singleton {
    add: (css: string) => void;
    remove: () => void;
}

export function stylesheetSingleton(): Singleton {
    let users = 0;
    let sheet: CSSStyleSheet | undefined;
    return {
        add(css) {
            users += 1;
            if (users > 1) return;
            sheet = new CSSStyleSheet();
            sheet.replaceSync(css);
            document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        },
        remove() {
            users -= 1;
            if (users > 0) return;
            document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
            sheet = undefined;
        },
    };
}

type StyleHook = (css: string, dynamic?: boolean) => void;

export function styleHookSingleton(): StyleHook {
    const sheet = stylesheetSingleton();
    return function useStyle(css, dynamic) {
        const version = dynamic ? css : '';
        useEffect(() => {
            sheet.add(css);
            return () => sheet.remove();
            // Like the package: a style that is not dynamic stays as it was first.
            // eslint-disable-next-line react-hooks/exhaustive-deps
        }, [version]);
    };
}

export function styleSingleton() {
    const useStyle = styleHookSingleton();
    return function Sheet({ styles, dynamic }: { styles: string; dynamic?: boolean }): null {
        useStyle(styles, dynamic);
        return null;
    };
}
