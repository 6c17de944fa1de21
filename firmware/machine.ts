import type { Cancel, Clock } from "../hal/clock/port.ts";

/** A protocol machine: given a state and an event, the next state and what to do about it. Pure. */
export type Machine<State, Event, Effect, Timer extends string = never> = (
  state: State,
  event: Event | Expiry<Timer>,
) => readonly [State, readonly (Effect | TimerEffect<Timer>)[]];

export type TimerEffect<Timer> = { readonly start: Timer; readonly ms: number } | { readonly stop: Timer };
export type Expiry<Timer> = { readonly type: "expiry"; readonly timer: Timer };

export interface Running<State, Event> {
  send(event: Event): void;
  state(): State;
  /** Stops every timer; the machine stays where it is. */
  close(): void;
}

/**
 * Runs one machine. Events are handled one at a time, to completion: an event caused by an effect
 * waits behind the current one. Timer effects are performed here, all others by `perform`.
 */
export function run<State, Event extends object, Effect extends { readonly do: string }, Timer extends string>(
  machine: Machine<State, Event, Effect, Timer>,
  initial: State,
  clock: Clock,
  perform: (effect: Effect) => void,
): Running<State, Event> {
  // Made when they are needed: there are tens of thousands of machines that wait with one timer, or none.
  let timers: Map<Timer, Cancel> | undefined;
  let queue: (Event | Expiry<Timer>)[] | undefined;
  let state = initial;
  let busy = false;

  function cancel(timer: Timer): void {
    timers?.get(timer)?.();
    timers?.delete(timer);
  }

  function apply(effect: Effect | TimerEffect<Timer>): void {
    if ("do" in effect) return perform(effect);
    if ("stop" in effect) return cancel(effect.stop);
    const { start: timer, ms } = effect;
    cancel(timer);
    timers ??= new Map();
    timers.set(
      timer,
      clock.after(ms, () => {
        timers?.delete(timer);
        send({ type: "expiry", timer });
      }),
    );
  }

  function send(event: Event | Expiry<Timer>): void {
    if (busy) {
      queue ??= [];
      queue.push(event);
      return;
    }
    busy = true;
    try {
      for (let next: Event | Expiry<Timer> | undefined = event; next; next = queue?.shift()) {
        const [after, effects] = machine(state, next);
        state = after;
        for (const effect of effects) apply(effect);
      }
    } finally {
      busy = false;
    }
  }

  return { send, state: () => state, close: () => [...(timers?.keys() ?? [])].forEach(cancel) };
}
