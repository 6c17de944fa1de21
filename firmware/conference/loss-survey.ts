/**
 * What the listeners lose of what is said to them, put together for the talker: whose encoder can say again, in each packet, what was
 * in the one before (Opus in-band FEC), and must be told that it is worth it. It decides for how many it is; it knows no RTCP.
 */

export interface LossSurvey<Listener extends object> {
  /** A listener reports so much lost lately, percent. */
  report(listener: Listener, percent: number, nowMs: number): void;
  /** What all of these lose but one in ten, percent: one terminal that is hardly reached does not spoil the sound for everybody. */
  worst(listeners: Iterable<Listener>, nowMs: number): number;
}

/** A terminal reports every few seconds while it is spoken to; what it said before is of another time. */
const staleMs = 120_000;

export function lossSurvey<Listener extends object>(): LossSurvey<Listener> {
  const reports = new WeakMap<Listener, { percent: number; atMs: number }>();

  return {
    report(listener, percent, nowMs) {
      reports.set(listener, { percent, atMs: nowMs });
    },
    worst(listeners, nowMs) {
      const losses: number[] = [];
      for (const listener of listeners) {
        const told = reports.get(listener);
        if (told && nowMs - told.atMs < staleMs) losses.push(told.percent);
      }
      losses.sort((a, b) => b - a);
      return losses[Math.floor(losses.length / 10)] ?? 0;
    },
  };
}
