/**
 * Says by a tone that the button speaks to a private call from now on, or to the talkgroup again. Never from a press to the end of its burst:
 * the microphone would hear the tone and send it along; it is said then.
 */
import type { ToneName, Tones } from "../media/tones.ts";

export function announcing(tone: Pick<Tones, "follow">) {
  let held = false;
  /** Not said yet. */
  let due: ToneName | undefined;

  function say(): void {
    if (held || !due) return;
    tone.follow(due);
    due = undefined;
  }

  return {
    /** The button went down. */
    hold(): void {
      held = true;
    },
    /** What the press began is over. */
    free(): void {
      held = false;
      say();
    },
    called(connected: boolean): void {
      if (connected) due = "call";
      // Of a call that came and went in mid-burst there is nothing to say.
      else due = due === "call" ? undefined : "call-over";
      say();
    },
  };
}
