import type { FloorMessage } from "../../../firmware/floor/message.ts";
import { simulatedMicrophone } from "../../../hal/audio/simulated-microphone.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { rms } from "../media/signals.ts";
import { granted, idle } from "./far-end.ts";
import { openBoth } from "./server.ts";

export const opus = await loadOpus();

/**
 * An agent with a microphone and a loudspeaker, whose server answers each request of the talkgroup's line with `answer` after
 * `afterMs`, each of the direct line at once, and a subscription to private calls with `direct`.
 */
export async function open(
  answer: FloorMessage | "silence" = granted,
  afterMs = 0,
  options: { readonly direct?: number } = {},
) {
  let encoded = 0;
  let decodings = 0;
  const counting: Opus = {
    ...opus,
    async decoder() {
      const decoder = await opus.decoder();
      return {
        ...decoder,
        decode(packet, into) {
          decodings++;
          return decoder.decode(packet, into);
        },
        conceal(into) {
          decodings++;
          return decoder.conceal(into);
        },
      };
    },
    async encoder(options) {
      const encoder = await opus.encoder(options);
      return {
        ...encoder,
        encode(samples) {
          encoded++;
          return encoder.encode(samples);
        },
      };
    },
  };
  const both = await openBoth(counting, options);
  const { clock, far, agent, server } = both;
  const { far: direct } = server.direct;
  const { microphone, outside } = simulatedMicrophone({ clock });
  microphone.start((frame, at) => agent.capture(frame, at));
  const heard: number[] = [];
  const played: Int16Array[] = [];
  const frame = new Int16Array(960);
  clock.every(20, () => {
    agent.fill(frame);
    heard.push(rms(frame));
    played.push(frame.slice());
  });
  far.answer = (message) => {
    if (message.type === "release") return idle;
    if (message.type === "request" && answer !== "silence") clock.after(afterMs, () => far.sendFloor(answer));
    return undefined;
  };
  direct.answer = (message) => {
    if (message.type === "release") return idle;
    return message.type === "request" ? granted : undefined;
  };
  both.told.length = 0;
  return {
    ...both,
    microphone: outside,
    direct,
    /** The level of each frame that was played. */
    heard,
    /** What was played in the last `ms`. */
    played(ms: number): Int16Array {
      const frames = played.slice(-ms / 20);
      const out = new Int16Array(frames.length * 960);
      frames.forEach((samples, index) => {
        out.set(samples, index * 960);
      });
      return out;
    },
    /** Frames that were encoded, and frames that were decoded or made up. */
    encoded: () => encoded,
    decodings: () => decodings,
    press: () => agent.press(clock.now()),
    release: () => agent.release(clock.now()),
    /** Runs of the same in the order of arrival: "request rtp release". */
    order: () => far.order.filter((what, index) => what !== far.order[index - 1]).join(" "),
  };
}

/** What was sent, decoded. */
export async function decoded(packets: readonly { readonly payload: Uint8Array }[]): Promise<Int16Array> {
  const decoder = await opus.decoder();
  const out = new Int16Array(packets.length * 960);
  const frame = new Int16Array(5_760);
  packets.forEach(({ payload }, index) => {
    decoder.decode(payload, frame);
    out.set(frame.subarray(0, 960), index * 960);
  });
  decoder.close();
  return out;
}
