/**
 * Offer and answer for one leg between a terminal and a conference server (RFC 3264): one audio line with Opus first, one floor line (TS 24.380 §12.1.2).
 */
import type { Address } from "../../hal/network/port.ts";
import { ProtocolError } from "./message.ts";
import { answerTo, type Codec, describe, parseSdp, type SessionDescription } from "./sdp.ts";

/** What both sides agreed on. */
export interface Agreement {
  readonly codec: LegCodec;
  readonly payloadType: number;
  readonly audio: Address;
  readonly rtcp: Address;
  /** Where the terminal listens for floor control; undefined for a phone without it. */
  readonly floor: Address | undefined;
  /** Which m= lines these are, counted from 1; 0: none. */
  readonly lines: { readonly audio: number; readonly floor: number };
}

export type LegCodec = "opus" | "PCMU" | "PCMA";

const offered: readonly Codec[] = [
  {
    name: "opus",
    payloadType: 111,
    clockRate: 48_000,
    channels: 2,
    parameters: "useinbandfec=1;maxaveragebitrate=24000;stereo=0;sprop-stereo=0",
  },
  { name: "PCMU", payloadType: 0, clockRate: 8_000 },
  { name: "PCMA", payloadType: 8, clockRate: 8_000 },
];

const floorParameters = "mc_priority=5;mc_granted;mc_implicit_request";

function local(rtp: Address, sessionId: string, codecs: readonly Codec[]): SessionDescription {
  return {
    origin: { id: sessionId, version: 1, host: rtp.host },
    audio: {
      address: rtp,
      rtcp: { host: rtp.host, port: rtp.port + 1 },
      codecs,
      direction: "sendrecv",
      ptime: 20,
    },
    floor: { address: { host: rtp.host, port: rtp.port + 1 }, parameters: floorParameters },
    order: ["audio", "floor"],
  };
}

export function legOffer(rtp: Address, sessionId: string): string {
  return describe(local(rtp, sessionId, offered));
}

function legCodec(codec: Codec): LegCodec | undefined {
  const name = codec.name.toLowerCase();
  if (name === "opus" && codec.clockRate === 48_000) return "opus";
  if (name === "pcmu" && codec.clockRate === 8_000) return "PCMU";
  if (name === "pcma" && codec.clockRate === 8_000) return "PCMA";
  return undefined;
}

function agreement(remote: SessionDescription): Agreement {
  const { audio, floor } = remote;
  if (!audio || audio.address.port === 0) throw new ProtocolError(488, "no audio line in the session description");
  for (const codec of audio.codecs) {
    const name = legCodec(codec);
    if (name)
      return {
        codec: name,
        payloadType: codec.payloadType,
        audio: audio.address,
        rtcp: audio.rtcp,
        floor: floor?.address,
        lines: { audio: remote.order.indexOf("audio") + 1, floor: remote.order.indexOf("floor") + 1 },
      };
  }
  throw new ProtocolError(488, "no codec in common: expected opus/48000, PCMU/8000 or PCMA/8000");
}

/** Reads the terminal's answer to `legOffer`. Throws ProtocolError 488 when nothing fits. */
export function readAnswer(sdp: string): Agreement {
  return agreement(parseSdp(sdp));
}

/** Answers a terminal's own offer. Throws ProtocolError 488 when nothing fits. */
export function answerOffer(sdp: string, rtp: Address, sessionId: string): { agreement: Agreement; answer: string } {
  const offer = parseSdp(sdp);
  const preferred = offer.audio?.codecs.find((codec) => legCodec(codec) === "opus");
  const agreed = agreement(
    preferred && offer.audio ? { ...offer, audio: { ...offer.audio, codecs: [preferred] } } : offer,
  );
  const codec = offer.audio?.codecs.find(({ payloadType }) => payloadType === agreed.payloadType);
  const own = local(rtp, sessionId, codec ? [codec] : []);
  return { agreement: agreed, answer: describe(answerTo(offer, own)) };
}
