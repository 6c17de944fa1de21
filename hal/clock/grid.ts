import type { Cancel, Clock } from "./port.ts";

/**
 * The `every` of a clock that has `now` and `after`: one timer at a time, each on the grid of the first call,
 * so that a late slot neither shifts the later ones nor makes them bunch.
 */
export function gridOf(clock: Pick<Clock, "now" | "after">): Clock["every"] {
  return (periodMs, callback) => {
    if (!(periodMs > 0)) throw new RangeError(`a period must be above 0 ms, not ${periodMs}`);
    const origin = clock.now();
    let slot = 0;
    let cancel: Cancel = arm();

    function arm(): Cancel {
      return clock.after(origin + (slot + 1) * periodMs - clock.now(), fire);
    }

    function fire(): void {
      // The half microsecond absorbs the rounding of origin + k * periodMs, which must not cost a slot.
      const reached = Math.max(slot + 1, Math.floor((clock.now() - origin + 0.0005) / periodMs));
      const skipped = reached - slot - 1;
      slot = reached;
      // Armed first, so that a callback that throws does not end the grid.
      cancel = arm();
      callback(skipped);
    }

    return () => cancel();
  };
}
