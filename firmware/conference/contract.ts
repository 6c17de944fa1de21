/** What the parts of the conference server know of a leg, and of a call that it may be in. */
import type { SrtpDrops } from "../../hal/srtp/port.ts";
import type { FloorMessage } from "../floor/message.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import type { RtpView } from "../media/rtp.ts";
import type { ToneName } from "../media/tones.ts";
import type { LegCodec } from "../sip/negotiation.ts";
import type { FloorRole, GatewayId, LegId, LegOptions, Rights, TalkgroupSettings, TrunkFloor } from "./protocol.ts";
import type { PresentCall } from "./session-call.ts";

export interface LegHandlers {
  onFloor(message: FloorMessage): void;
  /** An RTP packet of the agreed codec and what its header says, numbered as if there were no keys: the leg's buffers, valid during the call. */
  onMedia(packet: Uint8Array, view: RtpView): void;
  /** A key was pressed, by RFC 4733. */
  onKey(key: string): void;
  /** Its terminal reports so much lost of what was said to it, percent. */
  onLoss(percent: number): void;
  /** What those lose who hear its terminal, percent. */
  lostOnward(): number;
  /** No sign of life for three keep-alive intervals, or longer on hold. */
  onLost(): void;
  /** What its protection has dropped since it was last told. */
  onDropped(drops: SrtpDrops): void;
}

export interface Leg {
  readonly id: LegId;
  readonly options: LegOptions;
  /** Of its outgoing stream in the table of streams: what is said to it goes out there. */
  readonly row: number;
  /** Undefined until offer and answer have met. */
  codec(): LegCodec | undefined;
  offer(): string;
  /** Answers the terminal's offer, the first or another in the standing session. Throws ProtocolError 488: then nothing has changed. */
  answer(offer: string): string;
  /** Takes the terminal's answer. Throws ProtocolError 488. */
  accept(answer: string): void;
  /** Whether its terminal may be heard, and whether it listens: by its session description (RFC 3264 §5.1). */
  sends(): boolean;
  hears(): boolean;
  /** Whether its terminal listened before, and does not now: it holds the session, and what it sends is music. */
  holds(): boolean;
  sendFloor(message: FloorMessage): void;
  /** Whether its terminal knows floor control. */
  hasFloor(): boolean;
  /** Whether its terminal knows what it is to wait in a queue for the floor. */
  queues(): boolean;
  /** Its session has left one call, and serves another. A terminal with floor control is told of it. */
  moved(from: PresentCall | undefined, to: PresentCall | undefined): void;
  /** Those that hear the same. Whoever puts it among them says so. */
  group: object | undefined;
  /** What it would be sent if no tone sounded: the tone goes over it. `packet` has 12 bytes of room before its payload. */
  overhear(packet: Uint8Array, source: SourceNumbers): void;
  /** Plays a tone into its audio, over what is said there. */
  play(tone: ToneName): void;
  /** Plays a recording (media/packed-speech.ts) into its audio, in place of one that sounds. `onOver`: however it ends, once. */
  replay(speech: Uint8Array, onOver: () => void): void;
  /** Whether a tone or a recording sounds in its audio. */
  sounding(): boolean;
  /** Somebody is heard live: a recording ends. */
  hush(): void;
  /** A talk burst starts: the next packet is its first. `midway`: it goes on, and this leg comes into it. */
  begin(nowMs: number, midway?: boolean): void;
  close(): void;
}

export interface Call {
  readonly settings: TalkgroupSettings;
  join(leg: Leg, rights: Rights): void;
  leave(leg: Leg): void;
  /**
   * Whether a leg hears this call: one that is in it, and now hears another, or one that is not, and counts for nothing here. `told`:
   * who talks here. Heard already, it has agreed on something else.
   */
  hear(leg: Leg, wanted: boolean, told?: boolean): void;
  /** Who hears this call is in it from now on. */
  admit(leg: Leg, rights: Rights): void;
  talks(): boolean;
  role(role: FloorRole): void;
  /** Floor control from a leg of this conference server. */
  fromLeg(leg: Leg, message: FloorMessage): void;
  fromTrunk(from: GatewayId, floor: TrunkFloor): void;
  /** A key of a telephone: "*" keys up, "#" unkeys, "1" asks for the last burst again where that is recorded, "0" ends an emergency; no other means anything here. */
  keyFromLeg(leg: Leg, key: string): void;
  /** The leg has negotiated anew; `before`: what its terminal did and knew. */
  renegotiated(leg: Leg, before: { readonly hears: boolean; readonly floor: boolean }): void;
  mediaFromLeg(leg: Leg, packet: Uint8Array, view: RtpView): void;
  mediaFromTrunk(from: GatewayId, packet: Uint8Array): void;
  /** Whether anybody is heard now. */
  isLive(): boolean;
  close(): void;
}
