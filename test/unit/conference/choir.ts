/** People who all talk at once, each in a tone of its own, and what of each is in what somebody hears. */
import { type CodecName, openEncoder, sampleRates } from "../../../firmware/media/codec.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import type { MemberOptions, Site } from "./site.ts";
import { heardBy } from "./sound.ts";

const opus = await loadOpus();

export interface Singer {
  readonly name: string;
  readonly terminal: Terminal;
  readonly hertz: number;
  /** The next 20 ms of its tone, or of silence. */
  next(sings: boolean): Uint8Array;
}

/** Amplitude of the line at the tone's frequency: it swells and fades three times a second, as speech does. */
export const lineLevel = 2200;

async function mouth(codec: CodecName, hertz: number): Promise<(sings: boolean) => Uint8Array> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const rate = sampleRates[codec];
  const frame = new Int16Array(rate / 50);
  let at = 0;
  return (sings) => {
    for (let index = 0; index < frame.length; index++, at++) {
      const t = at / rate;
      const swell = 1 + 0.9 * Math.sin(2 * Math.PI * 3 * t);
      frame[index] = sings ? lineLevel * swell * Math.sin(2 * Math.PI * hertz * t) : 0;
    }
    return encoder.encode(frame);
  };
}

/** A member of the site that sings this tone. Telephones, unless `change` says otherwise. */
export async function singer(site: Site, name: string, hertz: number, change: MemberOptions = {}): Promise<Singer> {
  const terminal = await site.member(name, { floor: false, ...change });
  return { name, terminal, hertz, next: await mouth(terminal.codec(), hertz) };
}

/** Everybody of `all` sends for `ms`, as telephones do; only those of `sing` make a sound. `lost`: whether a packet is. */
export async function sing(
  site: Site,
  all: readonly Singer[],
  sing: readonly Singer[],
  ms: number,
  lost: (singer: Singer) => boolean = () => false,
): Promise<void> {
  for (let at = 0; at < ms; at += 20) {
    for (const each of all) {
      const payload = each.next(sing.includes(each));
      if (lost(each)) each.terminal.skip(1, 20);
      else each.terminal.speak(payload);
    }
    await site.clock.advance(20);
  }
}

/** Amplitude of a tone in the last whole second of a sound. */
export function lineIn(sound: Int16Array, hertz: number, rate: number): number {
  const from = sound.length - rate;
  let [re, im] = [0, 0];
  for (let index = 0; index < rate; index++) {
    const phase = (2 * Math.PI * hertz * index) / rate;
    re += (sound[from + index] ?? 0) * Math.cos(phase);
    im += (sound[from + index] ?? 0) * Math.sin(phase);
  }
  return (2 * Math.hypot(re, im)) / rate;
}

/** By how many dB each of `others` is heard by this one louder (or less loud) than it sang, in the last second. */
export async function levels(listener: Singer, others: readonly Singer[]): Promise<number[]> {
  const sound = await heardBy(listener.terminal);
  const rate = sampleRates[listener.terminal.codec()];
  return others.map(({ hertz }) => 20 * Math.log10(Math.max(1, lineIn(sound, hertz, rate)) / lineLevel));
}
