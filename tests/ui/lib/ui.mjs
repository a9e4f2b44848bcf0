// SPDX-License-Identifier: MIT
// The moves that many tests make, in the words that a reader of the page sees.

export function keyRow(page, name) {
    return page.getByRole('listbox', { name: 'Keys' }).getByRole('option').getByText(name, { exact: true });
}

export function queueRow(page, name) {
    return page.getByRole('listbox', { name: 'Queues' }).getByRole('option').filter({ has: page.getByText(name, { exact: true }) });
}

/** A message in the corner. */
export async function toast(page, text) {
    await page.locator('[data-sonner-toast]').filter({ hasText: text }).first().waitFor();
}

export async function saved(page, key) {
    await toast(page, `${key} saved`);
    await page.getByRole('textbox', { name: 'Value' }).waitFor({ state: 'detached' });
}

/** Waits until the viewer shows exactly this, as text. */
export async function valueText(page, text) {
    await page.getByRole('region', { name: 'Value' }).locator('pre').filter({ hasText: text }).waitFor();
    const shown = await page.getByRole('region', { name: 'Value' }).locator('pre').textContent();
    if (shown !== text) throw new Error(`the value is shown as ${shown}, not ${text}`);
}

export async function createKey(page, name, value, { mode } = {}) {
    await page.getByRole('button', { name: /^New/ }).first().click();
    const dialog = page.getByRole('dialog', { name: 'New key' });
    await dialog.getByLabel('Key', { exact: true }).fill(name);
    if (mode) await dialog.getByRole('radio', { name: mode }).click();
    await dialog.getByRole('textbox', { name: 'Value' }).fill(value);
    await dialog.getByRole('button', { name: 'Create' }).click();
}

/** A page that shows a key. */
export async function openKey(t, name) {
    const page = await t.open(`#/keys?${new URLSearchParams({ key: name })}`);
    await page.getByRole('article').getByRole('button', { name: 'Edit' }).waitFor();
    return page;
}
