import { arbiter } from "../../../firmware/floor/arbiter.ts";
import {
  type ArbiterEffect,
  type ArbiterEvent,
  type ArbiterLimits,
  arbiterDefaults,
  arbiterInitial,
} from "../../../firmware/floor/arbiter-state.ts";
import { run } from "../../../firmware/machine.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

export const limits = { ...arbiterDefaults, hangMs: 20_000 };

/** An arbiter whose participants are said to ask, to talk and to let go. */
export function openCall(more: Partial<ArbiterLimits> = {}) {
  const clock = virtualClock();
  const effects: (ArbiterEffect & { at: number })[] = [];
  const start = clock.now();
  const machine = run(arbiter({ ...limits, ...more }), arbiterInitial, clock, (effect) =>
    effects.push({ ...effect, at: clock.now() - start }),
  );
  const request = (from: string, priority = 1): void =>
    machine.send({
      type: "request",
      from,
      party: `sip:${from}`,
      priority,
      mayTalk: true,
      mayPreempt: true,
      mayQueue: true,
    });

  /** `from` is heard every 200 ms for so long. */
  async function talk(from: string, ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 200) {
      machine.send({ type: "media", from });
      await clock.advance(Math.min(200, left));
    }
  }
  const moments = (what: ArbiterEffect["do"]): number[] => effects.filter((e) => e.do === what).map(({ at }) => at);
  const last = (what: ArbiterEffect["do"]) => effects.findLast((effect) => effect.do === what);
  const send = (event: ArbiterEvent): void => machine.send(event);

  return { clock, effects, request, talk, send, moments, last, state: machine.state };
}
