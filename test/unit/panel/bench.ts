import { readFileSync } from "node:fs";
import type { Log } from "../../../firmware/log.ts";
import { panel } from "../../../firmware/panel/panel.ts";
import { collectSamples } from "../../../hal/audio/recording.ts";
import { type BoardDescription, readBoard } from "../../../hal/board/description.ts";
import { simulatedBoard } from "../../../hal/board/simulated.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";

const source = "boards/simulated.yaml";

function description(): BoardDescription {
  const read = readBoard(readFileSync(new URL(`../../../${source}`, import.meta.url), "utf8"), source);
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  return read.board;
}

/** A panel on a simulated board, with an agent that writes down what it is asked and says `speech` at every sample. */
export function openPanel(
  options: {
    readonly heldAtStart?: boolean;
    readonly switchedOn?: boolean;
    readonly inputs?: BoardDescription["inputs"];
    readonly outputs?: BoardDescription["outputs"];
  } = {},
) {
  const clock = virtualClock();
  const random = seededRandom(3);
  const described = description();
  const { board, outside } = simulatedBoard(
    { ...described, inputs: options.inputs ?? described.inputs, outputs: options.outputs ?? described.outputs },
    { clock, random },
  );
  const asked: string[] = [];
  const logged: string[] = [];
  const write = (_: object, message: string): void => void logged.push(message);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const told = { speech: 0, frames: 0 };
  if (options.heldAtStart) outside.press("ptt");
  if (options.switchedOn) outside.press("do-not-disturb");
  const chosen: (string | undefined)[] = [];
  const joined = panel({ clock, board, log });
  joined.attach({
    press: (at, urgency) => asked.push(`${urgency ?? "press"} ${at}`),
    calm: () => asked.push("calm"),
    release: (at) => asked.push(`release ${at}`),
    capture: () => told.frames++,
    fill: (frame) => frame.fill(told.speech),
    replay: () => asked.push("replay"),
    choose: (status) => void chosen.push(status),
  });

  return {
    clock,
    outside,
    asked,
    /** What others were to be told, in order. */
    chosen,
    logged,
    told,
    signals: joined.signals,
    close: joined.close,
    lit: () => board.outputs.filter((role) => outside.active(role)),
    /** What the loudspeaker plays in the next `ms`. */
    async hear(ms: number): Promise<Int16Array> {
      const collection = collectSamples(outside.loudspeaker);
      await clock.advance(ms);
      outside.loudspeaker.sync();
      return collection.take();
    },
  };
}

/** The amplitude of one frequency in a sound (Goertzel). */
export function amplitude(samples: Int16Array, hertz: number): number {
  const turn = (2 * Math.PI * hertz) / 48_000;
  let [re, im] = [0, 0];
  samples.forEach((sample, index) => {
    re += sample * Math.cos(turn * index);
    im += sample * Math.sin(turn * index);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}
