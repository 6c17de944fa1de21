/**
 * Session descriptions (RFC 8866) as values: one audio line and one floor control line, whatever else a peer offers being
 * kept only to be refused in its place (RFC 3264 §6). Decides nothing about codecs; that is the caller's answer.
 */
import { type MediaDescription, parse, write } from "sdp-transform";
import type { Address } from "../../hal/network/port.ts";
import { ProtocolError } from "./message.ts";
import { type CryptoAttribute, inline, readCrypto } from "./sdes.ts";
import { canonicalHost, isIpv4, isIpv6, parseNumber } from "./uri.ts";

export interface Codec {
  /** "opus", "PCMU", "PCMA", "G722" or "telephone-event" in this spelling; another as the peer wrote it. */
  readonly name: string;
  readonly payloadType: number;
  /** Hz of the RTP timestamp. */
  readonly clockRate: number;
  readonly channels?: number;
  /** The fmtp value. */
  readonly parameters?: string;
}

export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

export interface AudioMedia {
  readonly address: Address;
  /** From a=rtcp (RFC 3605), else the next port. */
  readonly rtcp: Address;
  /** In order of preference; at least one. */
  readonly codecs: readonly Codec[];
  /** Seen from the side that wrote the description. */
  readonly direction: Direction;
  /** ms of audio in a packet. */
  readonly ptime?: number;
  /** RTP/SAVP by one of these keys, at least one; absent: RTP/AVP, where keys mean nothing (RFC 4568 §5). */
  readonly crypto?: readonly CryptoAttribute[];
}

/** Which audio lines are read: RTP/AVP, and RTP/SAVP with a key that can be used. Of both, RTP/SAVP. */
export interface Profiles {
  readonly plain: boolean;
  readonly secured: boolean;
}

/** `m=application <port> udp MCPTT` (TS 24.380 §12). */
export interface FloorMedia {
  readonly address: Address;
  /** The value of a=fmtp:MCPTT, "" without one. */
  readonly parameters: string;
}

/** An m-line that is not spoken, has no codec that anybody explains, or has port 0. */
export interface OtherMedia {
  readonly type: string;
  readonly protocol: string;
  readonly formats: string;
}

export interface SessionDescription {
  readonly origin: { readonly id: string; readonly version: number; readonly host: string };
  readonly audio?: AudioMedia;
  readonly floor?: FloorMedia;
  /** The m-lines in order; an answer keeps the order of its offer. */
  readonly order: readonly ("audio" | "floor" | "other")[];
  /** What the "other" lines of `order` are. */
  readonly others?: readonly OtherMedia[];
}

const maxText = 16_384;
const maxMedia = 16;

/** The only lines that the library gets to see; its patterns for the rest are many, and none of them is needed. */
const wanted = /^(?:[vosctm]=|a=(?:rtpmap:|fmtp:|rtcp:|ptime:|sendrecv$|sendonly$|recvonly$|inactive$))/;

/** RFC 3551 §6, for payload types that come without rtpmap. */
const staticCodecs: ReadonlyMap<number, Codec> = new Map(
  [
    { name: "PCMU", payloadType: 0, clockRate: 8_000 },
    { name: "PCMA", payloadType: 8, clockRate: 8_000 },
    { name: "G722", payloadType: 9, clockRate: 8_000 },
  ].map((codec) => [codec.payloadType, codec]),
);
const spellings = new Map(
  ["opus", "PCMU", "PCMA", "G722", "telephone-event"].map((name) => [name.toLowerCase(), name]),
);

/** Reads an offer or an answer. Throws ProtocolError: 400 malformed, 413 too large, 488 an address that is not numeric. */
export function parseSdp(text: string, profiles: Profiles = { plain: true, secured: true }): SessionDescription {
  if (text.length > maxText) throw new ProtocolError(413, `SDP of ${text.length} characters, at most ${maxText}`);
  const all = text.split(/\r\n|\r|\n/);
  const lines = all.filter((line) => wanted.test(line));
  const mediaLines = lines.filter((line) => line.startsWith("m=")).map(readMediaLine);
  if (mediaLines.length > maxMedia) throw new ProtocolError(400, `SDP with more than ${maxMedia} media`);
  const session = parse(lines.join("\r\n"));
  if (lines[0] !== "v=0" || !session.origin) throw new ProtocolError(400, "SDP without v=0 or a well-formed o=");

  let audio: AudioMedia | undefined;
  let floor: FloorMedia | undefined;
  const others: OtherMedia[] = [];
  const crypto = cryptoLines(all).map(readCrypto);
  const codecsOf = mediaLines.map((line, index) => readCodecs(line.formats, session.media[index]));
  const isAudio = (line: MediaLine, index: number): boolean =>
    line.port > 0 && line.type === "audio" && (codecsOf[index] ?? []).length > 0;
  const isSecured = (line: MediaLine, index: number): boolean =>
    isAudio(line, index) && line.protocol === "RTP/SAVP" && (crypto[index] ?? []).length > 0;
  const isPlain = (line: MediaLine, index: number): boolean => isAudio(line, index) && line.protocol === "RTP/AVP";
  const secured = profiles.secured ? mediaLines.findIndex(isSecured) : -1;
  const spoken = secured >= 0 || !profiles.plain ? secured : mediaLines.findIndex(isPlain);
  const order = mediaLines.map((line, index) => {
    const media = session.media[index];
    const host = (media?.connection ?? session.connection)?.ip;
    if (media && index === spoken) {
      const direction = media.direction ?? session.direction ?? "sendrecv";
      audio = readAudio(line, media, checkHost(host), codecsOf[index] ?? [], direction);
      if (index === secured) audio = { ...audio, crypto: crypto[index] ?? [] };
      return "audio";
    }
    if (media && line.port > 0 && isFloor(line) && !floor) {
      floor = { address: { host: checkHost(host), port: line.port }, parameters: floorParameters(media) };
      return "floor";
    }
    others.push({ type: line.type, protocol: line.protocol, formats: line.formats });
    return "other";
  });
  const { sessionId, sessionVersion, address } = session.origin;
  return {
    origin: { id: `${sessionId}`, version: Number(sessionVersion), host: `${address}` },
    ...(audio && { audio }),
    ...(floor && { floor }),
    order,
    others,
  };
}

interface MediaLine extends OtherMedia {
  readonly port: number;
}

function readMediaLine(line: string): MediaLine {
  const [type = "", port = "", protocol = "", ...formats] = line.slice(2).trim().split(/ +/);
  if (formats.length === 0) throw new ProtocolError(400, `SDP line "${line.slice(0, 60)}"`);
  return { type, port: parseNumber(port.split("/", 1)[0] ?? "", 65_535, "port"), protocol, formats: formats.join(" ") };
}

/** What stands behind "a=crypto:" in each medium. */
function cryptoLines(lines: readonly string[]): string[][] {
  const media: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("m=")) media.push([]);
    else if (line.startsWith("a=crypto:")) media.at(-1)?.push(line.slice("a=crypto:".length));
  }
  return media;
}

function isFloor(line: MediaLine): boolean {
  return line.type === "application" && line.protocol.toLowerCase() === "udp" && line.formats === "MCPTT";
}

function readAudio(
  line: MediaLine,
  media: MediaDescription,
  host: string,
  codecs: readonly Codec[],
  direction: Direction,
): AudioMedia {
  // RFC 8866 leaves the form of a value to its reader: the library hands on numbers and text as it finds them.
  const rtcpPort = parseNumber(`${media.rtcp?.port ?? line.port + 1}`, 65_535, "RTCP port");
  const rtcpHost = media.rtcp?.address === undefined ? host : checkHost(media.rtcp.address);
  const ptime = Number(media.ptime);
  return {
    address: { host, port: line.port },
    rtcp: { host: rtcpHost, port: rtcpPort },
    codecs,
    direction: isUnspecified(host) ? heldDirection(direction) : direction,
    ...(ptime > 0 && ptime <= 200 && { ptime }),
  };
}

/** The codecs of the payload types, each once; without those whose rtpmap is absent or broken. */
function readCodecs(formats: string, media: MediaDescription | undefined): Codec[] {
  if (!media) return [];
  const maps = byPayloadType(media.rtp);
  const parameters = byPayloadType(media.fmtp);
  const payloadTypes = new Set(formats.split(" ").map((format) => (/^\d{1,3}$/.test(format) ? Number(format) : 128)));
  return [...payloadTypes].flatMap((payloadType) => {
    if (payloadType > 127) return [];
    const map = maps.get(payloadType);
    const codec = map ? mappedCodec(map) : staticCodecs.get(payloadType);
    const config = parameters.get(payloadType)?.config;
    if (codec === undefined) return [];
    return config === undefined ? codec : { ...codec, parameters: `${config}` };
  });
}

/** The first of each payload type counts. */
function byPayloadType<Entry extends { readonly payload: number }>(entries: readonly Entry[]): Map<number, Entry> {
  return new Map(entries.toReversed().map((entry) => [entry.payload, entry]));
}

function mappedCodec(map: MediaDescription["rtp"][number]): Codec | undefined {
  const name = `${map.codec}`;
  const clockRate = Number(map.rate);
  const channels = Number(map.encoding);
  if (!(clockRate > 0)) return undefined;
  return {
    name: spellings.get(name.toLowerCase()) ?? name,
    payloadType: map.payload,
    clockRate,
    ...(channels > 0 && { channels }),
  };
}

/** The library knows fmtp with payload numbers only, and keeps this one among what it does not know. */
function floorParameters(media: MediaDescription): string {
  const prefix = "fmtp:MCPTT ";
  const found = media.invalid?.find(({ value }) => `${value}`.startsWith(prefix));
  return found ? `${found.value}`.slice(prefix.length).trim() : "";
}

function checkHost(host: string | undefined): string {
  if (host === undefined) throw new ProtocolError(400, "SDP without c= for a medium");
  const text = `${host}`;
  if (isIpv4(text) || isIpv6(text)) return canonicalHost(text);
  throw new ProtocolError(488, `SDP address "${text.slice(0, 60)}", expected a numeric unicast address`);
}

function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** RFC 3264 §8.4: the old way of hold, an address that nothing can be sent to. */
function heldDirection(direction: Direction): Direction {
  return direction === "sendrecv" || direction === "sendonly" ? "sendonly" : "inactive";
}

/** Writes a description. Throws Error for text that would break a line, or an order that names what is not there. */
export function describe(description: SessionDescription): string {
  const { origin, audio, floor, order } = description;
  if (holdsLineBreak(description)) throw new Error(`line break in an SDP value, of the origin ${origin.id}`);
  const others = [...(description.others ?? [])];
  const host = (audio ?? floor)?.address.host ?? origin.host;
  const media = order.map((kind) => {
    if (kind === "audio" && audio) return writeAudio(audio, host);
    if (kind === "floor" && floor) return writeFloor(floor, host);
    const other = kind === "other" ? others.shift() : undefined;
    if (other === undefined) throw new Error(`SDP order names "${kind}", but there is none`);
    return { type: other.type, port: 0, protocol: other.protocol, payloads: other.formats, rtp: [], fmtp: [] };
  });
  return write({
    version: 0,
    origin: {
      username: "-",
      sessionId: origin.id,
      sessionVersion: origin.version,
      netType: "IN",
      ipVer: ipVersion(origin.host),
      address: origin.host,
    },
    name: "-",
    connection: connection(host),
    timing: { start: 0, stop: 0 },
    media,
  });
}

function holdsLineBreak(value: unknown): boolean {
  if (typeof value === "string") return /[\r\n]/.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsLineBreak);
}

function writeAudio(audio: AudioMedia, sessionHost: string): MediaDescription {
  const { address, rtcp, codecs } = audio;
  const sameHost = rtcp.host === address.host;
  return {
    type: "audio",
    port: address.port,
    protocol: audio.crypto ? "RTP/SAVP" : "RTP/AVP",
    payloads: codecs.map((codec) => codec.payloadType).join(" "),
    ...(address.host !== sessionHost && { connection: connection(address.host) }),
    rtp: codecs.map(({ payloadType, name, clockRate, channels }) => ({
      payload: payloadType,
      codec: name,
      rate: clockRate,
      ...(channels !== undefined && { encoding: channels }),
    })),
    fmtp: codecs.flatMap(({ payloadType, parameters }) =>
      parameters === undefined ? [] : [{ payload: payloadType, config: parameters }],
    ),
    ...(!(sameHost && rtcp.port === address.port + 1) && {
      rtcp: { port: rtcp.port, ...(!sameHost && { netType: "IN", ipVer: ipVersion(rtcp.host), address: rtcp.host }) },
    }),
    direction: audio.direction,
    ...(audio.ptime !== undefined && { ptime: audio.ptime }),
    ...(audio.crypto && {
      crypto: audio.crypto.map(({ tag, suite, master }) => ({ id: tag, suite, config: inline(master) })),
    }),
  };
}

function writeFloor(floor: FloorMedia, sessionHost: string): MediaDescription {
  return {
    type: "application",
    port: floor.address.port,
    protocol: "udp",
    payloads: "MCPTT",
    ...(floor.address.host !== sessionHost && { connection: connection(floor.address.host) }),
    rtp: [],
    fmtp: [],
    ...(floor.parameters !== "" && { invalid: [{ value: `fmtp:MCPTT ${floor.parameters}` }] }),
  };
}

function connection(host: string): { version: number; ip: string } {
  return { version: ipVersion(host), ip: host };
}

function ipVersion(host: string): 4 | 6 {
  return host.includes(":") ? 6 : 4;
}

/**
 * An answer with the m-lines of `offer` in their order (RFC 3264 §6): what was offered and accepted, the rest with port 0.
 * A medium that was not offered is left out.
 */
export function answerTo(
  offer: SessionDescription,
  accepted: Pick<SessionDescription, "origin" | "audio" | "floor">,
): SessionDescription {
  const offered = [...(offer.others ?? [])];
  const others: OtherMedia[] = [];
  const order = offer.order.map((kind) => {
    if (kind === "other") others.push(offered.shift() ?? refusedAudio);
    else if (accepted[kind] !== undefined) return kind;
    else others.push(kind === "audio" ? refusedAudio : refusedFloor);
    return "other";
  });
  return {
    origin: accepted.origin,
    ...(order.includes("audio") && accepted.audio && { audio: accepted.audio }),
    ...(order.includes("floor") && accepted.floor && { floor: accepted.floor }),
    order,
    others,
  };
}

const refusedAudio: OtherMedia = { type: "audio", protocol: "RTP/AVP", formats: "0" };
const refusedFloor: OtherMedia = { type: "application", protocol: "udp", formats: "MCPTT" };
