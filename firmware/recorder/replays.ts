/**
 * The last burst once more, for whoever asks, in the audio of one leg. It decides what is played; whether the asker may hear it was
 * decided by whoever says of which talkgroups.
 */
import type { Entry } from "./protocol.ts";
import type { Recorder } from "./recorder.ts";

export interface Replays {
  /** The latest burst of these talkgroups. `onOver`, once: how it went. */
  last(leg: string, talkgroups: readonly string[], onOver?: (played: boolean) => void): void;
  /** A burst of the log. */
  play(leg: string, entry: Entry, onOver?: (played: boolean) => void): void;
  /** The conference server has played what it was to play, or the leg is gone. */
  over(leg: string): void;
}

/** Of a burst that is longer, its end. */
const mostMs = 300_000;
const mostAtOnce = 100;

export function replays(
  recorder: Pick<Recorder, "ask">,
  conference: { send(command: { readonly type: "replay"; readonly leg: string; readonly speech: Uint8Array }): void },
): Replays {
  /** Legs that wait or hear: each has one thing to listen to. */
  const open = new Map<string, (played: boolean) => void>();

  function end(leg: string, played: boolean): void {
    const onOver = open.get(leg);
    open.delete(leg);
    onOver?.(played);
  }

  async function start(leg: string, id: number | undefined): Promise<void> {
    const { speech } = id === undefined ? {} : await recorder.ask({ ask: "speech", id, mostMs });
    if (!open.has(leg)) return;
    if (speech && speech.length > 0) conference.send({ type: "replay", leg, speech });
    else end(leg, false);
  }

  /** One press after another asks for one replay. */
  function take(leg: string, onOver: (played: boolean) => void): boolean {
    const isFree = !open.has(leg) && open.size < mostAtOnce;
    if (isFree) open.set(leg, onOver);
    else onOver(false);
    return isFree;
  }

  return {
    last(leg, talkgroups, onOver = () => {}) {
      if (!take(leg, onOver)) return;
      void recorder
        .ask({ ask: "list", selection: { talkgroups }, most: 1 })
        .then(({ entries }) => start(leg, entries[0]?.id));
    },
    play(leg, { id }, onOver = () => {}) {
      if (take(leg, onOver)) void start(leg, id);
    },
    over: (leg) => end(leg, true),
  };
}
