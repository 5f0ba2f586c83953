import type { KeyboardEvent } from 'react';

/** Enter and Space press a drawn button, as they press a real one; Space must not scroll. */
export function isActivation(event: KeyboardEvent): boolean {
  const pressed = event.key === 'Enter' || event.key === ' ';
  if (pressed) {
    event.preventDefault();
  }
  return pressed;
}
