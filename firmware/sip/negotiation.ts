/**
 * Offer and answer for one leg between a terminal and a conference server (RFC 3264): one audio line with Opus first and the keys
 * of a telephone beside it (RFC 4733), one floor line (TS 24.380 §12.1.2). Keys of SRTP come with the descriptions (RFC 4568).
 */
import type { Address } from "../../hal/network/port.ts";
import type { SrtpKey, SrtpSuite } from "../../hal/srtp/port.ts";
import { ProtocolError } from "./message.ts";
import type { CryptoAttribute } from "./sdes.ts";
import { answerTo, type Codec, type Direction, describe, parseSdp, type SessionDescription } from "./sdp.ts";

/** What both sides agreed on. An address may be 0.0.0.0 or "::", the old way of hold: nothing can be sent there (RFC 3264 §8.4). */
export interface Agreement {
  readonly codec: LegCodec;
  readonly payloadType: number;
  /** Payload types of telephone-event, a few at most. */
  readonly keyTypes: readonly number[];
  readonly audio: Address;
  readonly rtcp: Address;
  /** Where the terminal listens for floor control; undefined for a phone without it. */
  readonly floor: Address | undefined;
  /** The terminal's floor control knows queueing, and so does the server's (TS 24.380 §14.2.2). */
  readonly queueing: boolean;
  /** Whether the terminal sends audio, and whether it listens to any. */
  readonly sends: boolean;
  readonly hears: boolean;
  /** Which m= lines these are, counted from 1; 0: none. */
  readonly lines: { readonly audio: number; readonly floor: number };
  /** SRTP, and SRTCP for the reports and floor control beside it: by these keys and no other way. Absent: plain RTP. */
  readonly secured?: SessionKeys;
}

export interface SessionKeys {
  readonly send: SrtpKey;
  readonly receive: SrtpKey;
}

/**
 * RTP/SAVP on a leg: not spoken; spoken where it is offered here; offered from here; or nothing else spoken. What is offered
 * plain is answered plain unless it is "required": a=crypto beside RTP/AVP means nothing (RFC 4568 §5).
 */
export type SrtpUse = "off" | "accepted" | "offered" | "required";

export interface Security {
  readonly use: SrtpUse;
  /** The master key and salt of what this side sends by a suite: the same each time that it is asked. */
  readonly key: (suite: SrtpSuite) => Uint8Array;
}

/** In order of preference; the tag of each in an offer is its place, counted from 1. */
const suites: readonly SrtpSuite[] = ["AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"];

export type LegCodec = "opus" | "G722" | "PCMU" | "PCMA";

/** RFC 4733 §2.4.1: the ten digits, "*", "#" and "A" to "D". */
const keyParameters = "0-15";

const offered: readonly Codec[] = [
  {
    name: "opus",
    payloadType: 111,
    clockRate: 48_000,
    channels: 2,
    parameters: "useinbandfec=1;maxaveragebitrate=24000;stereo=0;sprop-stereo=0",
  },
  // Its clock counts half of its samples (RFC 3551 §4.5.2).
  { name: "G722", payloadType: 9, clockRate: 8_000 },
  { name: "PCMU", payloadType: 0, clockRate: 8_000 },
  { name: "PCMA", payloadType: 8, clockRate: 8_000 },
  // One for each clock of the codecs: a key is timed by the clock of the speech around it (RFC 4733 §2.1).
  { name: "telephone-event", payloadType: 110, clockRate: 48_000, parameters: keyParameters },
  { name: "telephone-event", payloadType: 101, clockRate: 8_000, parameters: keyParameters },
];
/** Of a terminal's telephone-event formats, so many are listened to. */
const mostKeyTypes = 4;

const floorParameters = "mc_priority=5;mc_granted;mc_implicit_request";
const queueing = "mc_queueing";

function knowsQueueing({ floor }: SessionDescription): boolean {
  return floor?.parameters.split(";").some((parameter) => parameter.trim() === queueing) ?? false;
}

/** RFC 3264 §6.1: what the other side may be told in reply. */
const answered: Readonly<Record<Direction, Direction>> = {
  sendrecv: "sendrecv",
  sendonly: "recvonly",
  recvonly: "sendonly",
  inactive: "inactive",
};

function local(
  rtp: Address,
  origin: { readonly id: string; readonly version: number },
  codecs: readonly Codec[],
  direction: Direction,
  queued: boolean,
): SessionDescription {
  return {
    origin: { ...origin, host: rtp.host },
    audio: {
      address: rtp,
      rtcp: { host: rtp.host, port: rtp.port + 1 },
      codecs,
      direction,
      ptime: 20,
    },
    floor: {
      address: { host: rtp.host, port: rtp.port + 1 },
      parameters: queued ? `${queueing};${floorParameters}` : floorParameters,
    },
    order: ["audio", "floor"],
  };
}

export function legOffer(rtp: Address, sessionId: string, security?: Security): string {
  const own = local(rtp, { id: sessionId, version: 1 }, offered, "sendrecv", true);
  return describe(withKeys(own, offeredKeys(security)));
}

function offeredKeys(security: Security | undefined): CryptoAttribute[] | undefined {
  if (security?.use !== "offered" && security?.use !== "required") return undefined;
  return suites.map((suite, index) => ({ tag: index + 1, suite, master: security.key(suite) }));
}

function withKeys(own: SessionDescription, crypto: readonly CryptoAttribute[] | undefined): SessionDescription {
  return own.audio && crypto ? { ...own, audio: { ...own.audio, crypto } } : own;
}

function legCodec(codec: Codec): LegCodec | undefined {
  const name = codec.name.toLowerCase();
  if (name === "opus" && codec.clockRate === 48_000) return "opus";
  if (name === "g722" && codec.clockRate === 8_000) return "G722";
  if (name === "pcmu" && codec.clockRate === 8_000) return "PCMU";
  if (name === "pcma" && codec.clockRate === 8_000) return "PCMA";
  return undefined;
}

const isKeys = ({ name }: Codec): boolean => name === "telephone-event";

function agreement(remote: SessionDescription): Agreement {
  const { audio, floor } = remote;
  if (!audio || audio.address.port === 0) throw new ProtocolError(488, whyNoAudio(remote));
  const { codecs, direction } = audio;
  for (const codec of codecs) {
    const name = legCodec(codec);
    if (name)
      return {
        codec: name,
        payloadType: codec.payloadType,
        keyTypes: codecs
          .filter(isKeys)
          .slice(0, mostKeyTypes)
          .map(({ payloadType }) => payloadType),
        audio: audio.address,
        rtcp: audio.rtcp,
        floor: floor?.address,
        queueing: knowsQueueing(remote),
        sends: direction === "sendrecv" || direction === "sendonly",
        hears: direction === "sendrecv" || direction === "recvonly",
        lines: { audio: remote.order.indexOf("audio") + 1, floor: remote.order.indexOf("floor") + 1 },
      };
  }
  throw new ProtocolError(488, "no codec in common: expected opus/48000, G722/8000, PCMU/8000 or PCMA/8000");
}

function whyNoAudio({ others = [] }: SessionDescription): string {
  const found = others.filter(({ type }) => type === "audio").map(({ protocol }) => protocol.slice(0, 40));
  if (found.length === 0) return "no audio line in the session description";
  return `no audio line that can be taken among ${found.join(", ")}: expected RTP/AVP, or RTP/SAVP with a=crypto of one key without an MKI, as the gateway's media.srtp says`;
}

/** Reads the terminal's answer to `legOffer`. Throws ProtocolError 488 when nothing fits. */
export function readAnswer(sdp: string, security?: Security): Agreement {
  const keys = offeredKeys(security);
  const remote = parseSdp(sdp, { plain: !keys, secured: keys !== undefined });
  const agreed = agreement(remote);
  if (!keys) return agreed;
  // RFC 4568 §5.1.3: the one of ours that it takes, by our tag.
  const taken = remote.audio?.crypto?.[0];
  const send = keys.find(({ tag, suite }) => tag === taken?.tag && suite === taken.suite);
  if (!taken || !send) throw new ProtocolError(488, "an answer whose a=crypto was not offered");
  return { ...agreed, secured: { send, receive: taken } };
}

/** Of what was offered: one codec, `kept` if it is there and else Opus, and the keys by its clock, or by another. */
function chosen(codecs: readonly Codec[], kept: LegCodec | undefined): readonly Codec[] {
  const known = codecs.filter(legCodec);
  const wanted = (name: LegCodec | undefined) => known.find((codec) => legCodec(codec) === name);
  const speech = wanted(kept) ?? wanted("opus") ?? known[0];
  const keys = codecs.filter(isKeys);
  const timed = keys.find(({ clockRate }) => clockRate === speech?.clockRate) ?? keys[0];
  return [...(speech ? [speech] : []), ...(timed ? [{ ...timed, parameters: keyParameters }] : [])];
}

/**
 * Answers a terminal's own offer. Throws ProtocolError 488 when nothing fits. `version` counts the descriptions of this session
 * (RFC 3264 §8); `kept` is the codec that it has, and keeps if that is offered again. `keys`: whether keys are listened to.
 */
export function answerOffer(
  sdp: string,
  rtp: Address,
  sessionId: string,
  options: {
    readonly version?: number;
    readonly kept?: LegCodec | undefined;
    readonly keys?: boolean;
    readonly security?: Security;
  } = {},
): { agreement: Agreement; answer: string } {
  const { version = 1, kept, keys = false, security } = options;
  const use = security?.use ?? "off";
  const offer = parseSdp(sdp, { plain: use !== "required", secured: use !== "off" });
  const known = offer.audio?.codecs.filter((codec) => keys || !isKeys(codec)) ?? [];
  const codecs = chosen(known, kept);
  const agreed = agreement(offer.audio ? { ...offer, audio: { ...offer.audio, codecs } } : offer);
  const receive = offer.audio?.crypto?.[0];
  const send = receive && security && { ...receive, master: security.key(receive.suite) };
  const direction = answered[offer.audio?.direction ?? "sendrecv"];
  const own = local(rtp, { id: sessionId, version }, codecs, direction, knowsQueueing(offer));
  return {
    agreement: { ...agreed, ...(send && { secured: { send, receive } }) },
    answer: describe(answerTo(offer, withKeys(own, send && [send]))),
  };
}
