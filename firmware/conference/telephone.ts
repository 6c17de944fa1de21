/**
 * A terminal that knows no floor control, and whose user takes the floor by what is in the voice: by keys that sound in it, or by
 * speaking. It decodes what its leg sends, decides what of it is said at all, and asks for the floor; who has it is decided
 * elsewhere. A terminal that turns out to know floor control is left alone.
 *
 * Who keys by voice hears no permit tone: it would sound over the first word, in the talker's own ear and from there in the microphone.
 * What tells the talker that others heard is the tone at the end, as the courtesy tone of a repeater does; a denial and a cut are told
 * at once, as everybody is told.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { FloorMessage } from "../floor/message.ts";
import { run } from "../machine.ts";
import { clockRates, largestPacketSamples, openDecoder, type SpeechDecoder } from "../media/codec.ts";
import { type DtmfDetector, dtmfDetector } from "../media/dtmf.ts";
import { type RtpView, timestampDistance } from "../media/rtp.ts";
import { type VoiceActivity, voiceActivity } from "../media/voice-activity.ts";
import { withoutKeys } from "../media/without-keys.ts";
import type { Leg } from "./contract.ts";
import { keptPackets } from "./kept-packets.ts";
import { isWarning } from "./prompter.ts";
import type { TelephoneOptions } from "./protocol.ts";
import { type VoiceKeyingEvent, voiceKeying, voiceKeyingInitial } from "./voice-keying.ts";

export interface Telephone {
  /** A packet of its voice, which goes on to `media` or does not. */
  onMedia(packet: Uint8Array, view: RtpView): void;
  /** A key that came otherwise than in its voice. True: its user keys by voice, and it is no other's matter. */
  key(key: string): boolean;
  /** What the floor says to it. True: it is told nothing of that. */
  told(message: FloorMessage): boolean;
  /** It is in another call, or in none, or has negotiated anew. */
  reset(): void;
  close(): void;
}

export interface TelephoneHandlers {
  media(packet: Uint8Array, view: RtpView): void;
  key(key: string): void;
  floor(message: FloorMessage): void;
  /** Whether its user may talk where it is. */
  mayTalk(): boolean;
}

/** So much is sent of what was said before speech was noticed: a soft beginning is noticed late, ms. */
const preRollMs = 300;
/** While somebody speaks, the machine hears of it so often, ms. */
const renewMs = 100;
/** Whatever it was sent sounds until so much later: the way there, its jitter buffer, the room, the way back, ms. */
const echoMs = 400;
/** No more packets of it are listened to in so many ms than come when one holds 5 ms: each costs a decoding. */
const mostHeard = { packets: 40, ms: 200 };
/** The longest tone that it is told anything by, ms. */
const toneMs = 600;

/** The decoder, and who listens to what comes out of it. */
interface Ear {
  readonly codec: string;
  readonly decoder: SpeechDecoder;
  readonly keys?: DtmfDetector;
  readonly voice?: VoiceActivity;
}

export function telephone(
  ports: { readonly clock: Clock; readonly opus: Opus },
  leg: Leg,
  options: TelephoneOptions,
  handlers: TelephoneHandlers,
): Telephone {
  const { clock, opus } = ports;
  const { inbandKeys, voice } = options;
  const decoded = new Int16Array(largestPacketSamples);
  const kept = keptPackets(preRollMs);
  const numbers = withoutKeys();
  let ear: Ear | undefined;
  /** The codec that an ear is being opened for. */
  let opening: string | undefined;
  let closed = false;
  let renewedAt = Number.NEGATIVE_INFINITY;
  /** Listened to since then. */
  let since = Number.NEGATIVE_INFINITY;
  let count = 0;
  /** Somebody else speaks, and is heard there. */
  let listening = false;
  /** What was sent to it is heard there until then, monotonic ms. */
  let sounds = Number.NEGATIVE_INFINITY;
  let lastTold: FloorMessage | undefined;
  /** It has just been granted the floor, and what it said is still here. */
  let due = false;
  /** By the clock of its voice: when its last packet was said, ms and ticks. */
  let saidAt = 0;
  let lastTimestamp = 0;

  const machine = run(voiceKeying(voice?.hangMs ?? 0), voiceKeyingInitial, clock, (deed) => {
    switch (deed.do) {
      case "request":
        return handlers.floor({ type: "request" });
      case "release":
        due = false;
        return handlers.floor({ type: "release" });
      case "talk":
        due = true;
        clock.after(0, sayKept);
        return;
      case "unkeyed":
        sounds = clock.now() + toneMs;
        return leg.play("unkeyed");
    }
  });

  function listen(codec: NonNullable<ReturnType<Leg["codec"]>>): void {
    if (opening === codec) return;
    opening = codec;
    ear?.decoder.close();
    ear = undefined;
    kept.clear();
    void openDecoder(opus, codec).then((decoder) => {
      if (closed || opening !== codec) return decoder.close();
      const { rate } = decoder;
      ear = {
        ...{ codec, decoder },
        ...(inbandKeys && { keys: dtmfDetector(rate) }),
        ...(voice && { voice: voiceActivity(rate, voice.thresholdDb) }),
      };
    });
  }

  function isAffordable(): boolean {
    const now = clock.now();
    if (now - since >= mostHeard.ms) {
      since = now;
      count = 0;
    }
    count += 1;
    return count <= mostHeard.packets;
  }

  /** What is heard in the packet: a key or speech. False: it is no speech to anybody. */
  function hear({ decoder, keys, voice: activity }: Ear, payload: Uint8Array): boolean {
    // Tones that no floor message tells of, and recordings.
    if (leg.sounding()) sounds = Math.max(sounds, clock.now() + echoMs);
    const length = decoder.decode(payload, decoded);
    const key = keys?.hear(decoded, length);
    if (key !== undefined) handlers.key(key);
    if (keys?.sounding()) return false;
    if (activity?.hear(decoded, length, isEchoing()) && leg.hears() && handlers.mayTalk()) onVoice();
    return true;
  }

  /** Who talks already, or has been cut and talks on, is the user, whatever sounds beside. */
  function isEchoing(): boolean {
    const { in: now } = machine.state();
    return (now === "quiet" || now === "asking") && (listening || clock.now() < sounds);
  }

  function onVoice(): void {
    const now = clock.now();
    if (now - renewedAt < renewMs) return;
    renewedAt = now;
    machine.send({ type: "voice" });
  }

  function sayKept(): void {
    if (!due) return;
    due = false;
    kept.drain(handlers.media);
  }

  /** A floor message as the machine knows it. */
  function heardOf(message: FloorMessage): VoiceKeyingEvent | undefined {
    switch (message.type) {
      case "granted":
        return { type: "granted" };
      case "deny":
        return { type: "denied" };
      case "revoke":
        return { type: "revoked" };
      case "taken":
      case "idle":
        return { type: "over" };
      default:
        return undefined;
    }
  }

  return {
    onMedia(packet, view) {
      const codec = leg.codec();
      if (codec === undefined || leg.hasFloor()) return handlers.media(packet, view);
      if (ear?.codec !== codec) listen(codec);
      else if (isAffordable()) {
        const { payloadOffset, payloadLength } = view;
        const isSpeech = hear(ear, packet.subarray(payloadOffset, payloadOffset + payloadLength));
        if (!isSpeech) return numbers.key(view.sequence);
      }
      if (inbandKeys) view.sequence = numbers.voice(view.sequence);
      if (voice) {
        sayKept();
        const { in: now } = machine.state();
        // By when it was said: what a network has held up comes all at once, and is no older for that.
        saidAt += (timestampDistance(lastTimestamp, view.timestamp) * 1000) / clockRates[codec];
        lastTimestamp = view.timestamp;
        if (now !== "talking") kept.keep(packet, view, saidAt, now === "asking");
      }
      handlers.media(packet, view);
    },
    key(key) {
      if (!voice || leg.hasFloor() || (key !== "*" && key !== "#")) return false;
      // As if the user spoke, or were done.
      machine.send(key === "*" ? { type: "voice" } : { type: "reset" });
      return true;
    },
    told(message) {
      if (leg.hasFloor()) return false;
      if (message.type === "taken") listening = true;
      else {
        if (listening && (message.type === "idle" || message.type === "granted")) {
          listening = false;
          sounds = clock.now() + echoMs;
        }
        if (message.type === "deny" || message.type === "revoke") sounds = clock.now() + echoMs + toneMs;
      }
      const isWarned = isWarning(message, lastTold);
      lastTold = message;
      if (!voice) return false;
      const event = heardOf(message);
      if (event) machine.send(event);
      if (message.type !== "granted") return false;
      // Whoever tells telephones by tones has not heard of the grant that this one cuts short.
      if (isWarned) leg.play("warning");
      return true;
    },
    reset() {
      if (voice) machine.send({ type: "reset" });
      kept.clear();
    },
    close() {
      closed = true;
      machine.close();
      ear?.decoder.close();
      ear = undefined;
    },
  };
}
