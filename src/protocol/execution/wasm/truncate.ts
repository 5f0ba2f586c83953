/** Shortens a list. Setting `length` costs a call into the engine and frees the room, which fills again at once. */
export function truncate(list: unknown[], length: number): void {
  while (list.length > length) {
    list.pop();
  }
}
