/**
 * When a telephone whose user presses nothing asks for the floor, and when it lets go: it keys up by speech, and unkeys after a pause.
 * Pure. What is speech is decided elsewhere, and so is who may talk.
 *
 * Whoever is denied, cut or overtaken is `spent`: nothing is asked for again before a pause, or every frame of a sentence would ask.
 */
import type { Machine, TimerEffect } from "../machine.ts";

export type VoiceKeyingState =
  | { readonly in: "quiet" }
  /** The floor is asked for; what is said meanwhile is kept. */
  | { readonly in: "asking" }
  | { readonly in: "talking" }
  /** `owes`: the floor is to be released once the user has finished. */
  | { readonly in: "spent"; readonly owes: boolean };

export type VoiceKeyingEvent =
  /** Speech. Sent now and then while it lasts, well within the hang time. */
  | { readonly type: "voice" }
  | { readonly type: "granted" }
  | { readonly type: "denied" }
  | { readonly type: "revoked" }
  /** Nobody has the floor, or somebody else. */
  | { readonly type: "over" }
  /** It is in another call, or in none, or on hold. */
  | { readonly type: "reset" };

export type VoiceKeyingEffect =
  | { readonly do: "request" }
  | { readonly do: "release" }
  /** What was kept goes out, and what comes behind it. */
  | { readonly do: "talk" }
  /** A burst has ended by itself, and its user is told so. */
  | { readonly do: "unkeyed" };

export type VoiceKeyingTimer = "hang";

export const voiceKeyingInitial: VoiceKeyingState = { in: "quiet" };

type VoiceKeying = Machine<VoiceKeyingState, VoiceKeyingEvent, VoiceKeyingEffect, VoiceKeyingTimer>;
type Step = ReturnType<VoiceKeying>;
type Effects = readonly (VoiceKeyingEffect | TimerEffect<VoiceKeyingTimer>)[];

/** `hangMs`: the pause that ends a burst. */
export function voiceKeying(hangMs: number): VoiceKeying {
  const hang = { start: "hang", ms: hangMs } as const;
  const quiet = (...effects: Effects): Step => [{ in: "quiet" }, [{ stop: "hang" }, ...effects]];
  const spent = (owes: boolean): Step => [{ in: "spent", owes }, []];

  return (state, event) => {
    switch (state.in) {
      case "quiet":
        if (event.type === "voice") return [{ in: "asking" }, [{ do: "request" }, hang]];
        // The answer comes when nobody speaks any more.
        return event.type === "granted" ? [state, [{ do: "release" }]] : [state, []];
      case "asking":
        switch (event.type) {
          case "voice":
            return [state, [hang]];
          case "granted":
            return [{ in: "talking" }, [{ do: "talk" }]];
          case "denied":
            return spent(false);
          // It was cut before, and is blocked until it lets go.
          case "revoked":
            return spent(true);
          case "over":
            return [state, []];
          case "reset":
          case "expiry":
            return quiet({ do: "release" });
        }
        break;
      case "talking":
        switch (event.type) {
          case "voice":
            return [state, [hang]];
          case "granted":
            return [state, []];
          case "denied":
          case "over":
            return spent(false);
          case "revoked":
            return spent(true);
          case "reset":
            return quiet({ do: "release" });
          case "expiry":
            return quiet({ do: "release" }, { do: "unkeyed" });
        }
        break;
      case "spent":
        switch (event.type) {
          case "voice":
            return [state, [hang]];
          case "granted":
            return [state, [{ do: "release" }]];
          case "revoked":
            return spent(true);
          case "denied":
          case "over":
            return [state, []];
          case "reset":
          case "expiry":
            return quiet(...(state.owes ? [{ do: "release" } as const] : []));
        }
    }
  };
}
