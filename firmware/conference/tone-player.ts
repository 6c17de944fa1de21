/**
 * Plays tones into the audio of one leg. Where nobody speaks, a frame every 20 ms, as it was encoded for everybody. Where somebody does,
 * over that speech: each packet goes out with the tone in it, numbered as it was. Whatever plays in the stream is numbered on by it.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import { rtpHeaderLength } from "../media/rtp.ts";
import type { ToneFrames } from "../media/tone-frames.ts";
import type { ToneOverSpeech } from "./tone-over-speech.ts";

export interface TonePlayer {
  sounding(): boolean;
  /**
   * In place of one that sounds. `frameTicks`: 20 ms by the clock of the codec. `over`: opens what mixes it with speech. `lastSentAt`:
   * when the leg was sent anything, monotonic ms: where that was just now somebody speaks, and the next packet is waited for.
   */
  play(frames: ToneFrames, frameTicks: number, over: () => Promise<ToneOverSpeech>, lastSentAt: number): void;
  /** What the leg would hear if no tone sounded: a packet with 12 bytes of room before its payload. */
  overhear(packet: Uint8Array, source: SourceNumbers): void;
  stop(): void;
}

const frameMs = 20;
/** Speech that pauses for so long has ended, and the tone goes on by itself, ms. */
const pauseMs = 60;

interface Playing {
  readonly frames: ToneFrames;
  readonly frameTicks: number;
  readonly over: () => Promise<ToneOverSpeech>;
  readonly cancel: Cancel;
  /** The frame that comes next. */
  next: number;
  /** Of the frames that go out by themselves. */
  readonly numbers: { sequence: number; timestamp: number; marker: boolean };
  mixer: ToneOverSpeech | "opening" | undefined;
  /** When the last packet of speech went out; undefined while it goes out by itself. */
  spokenAt: number | undefined;
}

export function tonePlayer(
  clock: Clock,
  handlers: {
    /**
     * A tone begins or is over, or speech comes under it or leaves it: what is sent next begins anew. `alike`: it sounds like what
     * was sent last.
     */
    readonly onTurn: (alike: boolean) => void;
    /** `frame` has room for a header, and may be shared; it is sent before anything else is. */
    readonly send: (frame: Uint8Array, numbers: SourceNumbers) => void;
  },
): TonePlayer {
  let playing: Playing | undefined;

  function stop(): void {
    playing?.cancel();
    if (typeof playing?.mixer === "object") playing.mixer.close();
    playing = undefined;
  }

  function end(alike: boolean): void {
    stop();
    handlers.onTurn(alike);
  }

  /** By itself. */
  function step(): void {
    const tone = playing;
    if (!tone) return;
    const { frames, numbers, frameTicks } = tone;
    if (tone.spokenAt !== undefined) {
      if (clock.now() - tone.spokenAt < pauseMs) return;
      tone.spokenAt = undefined;
      numbers.marker = true;
      handlers.onTurn(false);
    }
    const frame = frames[tone.next];
    if (!frame) return end(false);
    handlers.send(frame, numbers);
    tone.next += 1;
    numbers.sequence += 1;
    numbers.timestamp += frameTicks;
    numbers.marker = false;
  }

  function openMixer(tone: Playing): void {
    tone.mixer = "opening";
    void tone.over().then((mixer) => {
      if (tone === playing) tone.mixer = mixer;
      else mixer.close();
    });
  }

  return {
    sounding: () => playing !== undefined,
    play(frames, frameTicks, over, lastSentAt) {
      stop();
      const numbers = { sequence: 0, timestamp: 0, marker: true };
      const cancel = clock.every(frameMs, step);
      const spokenAt = clock.now() - lastSentAt < pauseMs ? lastSentAt : undefined;
      playing = { frames, frameTicks, over, cancel, next: 0, numbers, mixer: undefined, spokenAt };
      handlers.onTurn(false);
      if (spokenAt === undefined) step();
      else openMixer(playing);
    },
    overhear(packet, source) {
      const tone = playing;
      if (!tone || tone.next >= tone.frames.length || tone.mixer === "opening") return;
      // It opens in a moment; until then the tone is heard alone.
      if (!tone.mixer) return openMixer(tone);
      const last = tone.next === tone.frames.length - 1;
      const mixed = tone.mixer.mix(packet.subarray(rtpHeaderLength), tone.next, last);
      if (!mixed) return;
      if (tone.spokenAt === undefined) handlers.onTurn(false);
      tone.spokenAt = clock.now();
      tone.next += 1;
      handlers.send(mixed, source);
      if (last) end(true);
    },
    stop,
  };
}
