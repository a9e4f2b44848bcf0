// SPDX-License-Identifier: MIT
// Joins class names. Nothing is merged: a class given to a component adds to its own and does not take their place.
export { clsx as cn } from 'clsx';
