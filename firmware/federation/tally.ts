/** How many users are in each talkgroup. */
export interface Tally {
  /** True for the first. */
  add(name: string): boolean;
  /** True for the last. */
  remove(name: string): boolean;
  has(name: string): boolean;
  names(): Iterable<string>;
  size(): number;
  clear(): void;
}

export function tally(): Tally {
  const counts = new Map<string, number>();
  return {
    add(name) {
      const before = counts.get(name) ?? 0;
      counts.set(name, before + 1);
      return before === 0;
    },
    remove(name) {
      const before = counts.get(name) ?? 0;
      if (before > 1) counts.set(name, before - 1);
      return before === 1 && counts.delete(name);
    },
    has: (name) => counts.has(name),
    names: () => counts.keys(),
    size: () => counts.size,
    clear: () => counts.clear(),
  };
}
