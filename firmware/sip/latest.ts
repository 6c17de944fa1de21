/** A table of the latest entries: when it is full, the oldest goes for a new one. Keys are new to it. */
export interface Latest<Value> {
  get(key: string): Value | undefined;
  /** Gives what had to go for it. */
  add(key: string, value: Value): Value | undefined;
  delete(key: string): void;
  values(): Iterable<Value>;
  size(): number;
  clear(): void;
}

export function latest<Value>(most: number): Latest<Value> {
  const held = new Map<string, Value>();
  /**
   * Goes on from key to key while the table is full: a new one would pass all the gaps before the first each time. One that
   * waits would keep in memory every table that the map has outgrown.
   */
  let oldest: Iterator<string> | undefined;

  return {
    get: (key) => held.get(key),
    add(key, value) {
      held.set(key, value);
      if (held.size <= most) {
        oldest = undefined;
        return undefined;
      }
      oldest ??= held.keys();
      const { value: first = key } = oldest.next();
      const gone = held.get(first);
      held.delete(first);
      return gone;
    },
    delete: (key) => void held.delete(key),
    values: () => held.values(),
    size: () => held.size,
    clear() {
      oldest = undefined;
      held.clear();
    },
  };
}
