// SPDX-License-Identifier: MIT
// Where short messages appear. sonner's style sheet is a part of styles.css (see build/strict-styles.ts).
import { Toaster as Sonner } from 'sonner';
import { useDark } from '@/theme/theme';

export default function Toaster() {
    const dark = useDark();
    return (
        <Sonner
            theme={dark ? 'dark' : 'light'}
            position="bottom-right"
            closeButton
            visibleToasts={4}
            mobileOffset={{ bottom: '4.5rem' }}
            containerAriaLabel="Messages"
        />
    );
}
