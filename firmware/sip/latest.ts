/** A table of the latest entries: when it is full, the oldest goes for a new one. Keys are new to it. */
export interface Latest<Value> {
  get(key: string): Value | undefined;
  /** Gives what had to go for it. */
  add(key: string, value: Value): Value | undefined;
  delete(key: string): void;
  /** The next to go. A key that was taken out, and came again, may be as old as it was. */
  oldest(): readonly [key: string, value: Value] | undefined;
  values(): Iterable<Value>;
  size(): number;
  clear(): void;
}

export function latest<Value>(most: number): Latest<Value> {
  const held = new Map<string, Value>();
  /**
   * Keys as they came, those before `next` gone. To ask the map for its first key each time would be to pass all the gaps before
   * it, and an iterator that is kept keeps all that the map ever held.
   */
  let order: string[] = [];
  let next = 0;

  function oldest(): readonly [string, Value] | undefined {
    while (held.size > 0) {
      if (next >= order.length) {
        order = [...held.keys()];
        next = 0;
      }
      const key = order[next] ?? "";
      const value = held.get(key);
      if (value !== undefined) return [key, value];
      next += 1;
    }
    return undefined;
  }

  return {
    get: (key) => held.get(key),
    add(key, value) {
      held.set(key, value);
      const first = held.size > most ? oldest() : undefined;
      if (first) held.delete(first[0]);
      return first?.[1];
    },
    delete: (key) => void held.delete(key),
    oldest,
    values: () => held.values(),
    size: () => held.size,
    clear() {
      held.clear();
      order = [];
      next = 0;
    },
  };
}
