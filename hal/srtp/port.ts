/**
 * SRTP and SRTCP (RFC 3711, RFC 7714), one session a direction and a key. A packet that is not what it should be is never
 * handed on: it is dropped and counted. Nothing throws for what a peer sends.
 */
import type { Handle } from "../native/port.ts";

export type SrtpSuite = "AEAD_AES_128_GCM" | "AES_CM_128_HMAC_SHA1_80";

export interface SrtpKey {
  readonly suite: SrtpSuite;
  /** The master key of 16 bytes and, behind it, the master salt: `masterLengths` bytes together. The session copies it. */
  readonly master: Uint8Array;
}

/** Bytes of a master key with its salt: 16 and 12 (RFC 7714 §12), 16 and 14 (RFC 4568 §6.2). */
export const masterLengths: Readonly<Record<SrtpSuite, number>> = { AEAD_AES_128_GCM: 28, AES_CM_128_HMAC_SHA1_80: 30 };

/** So many bytes a protected packet is longer, at most: a tag of 16, and the index of SRTCP. */
export const longestTrailer = 20;

/** Packets that are told from replayed ones though they come late (RFC 3711 §3.3.2 asks for 64): 2.5 s of speech. */
export const replayWindow = 128;

/** Sources (SSRC) that a session keeps numbers for; the one that was silent longest makes room for another. */
export const mostSources = 32;

export interface SrtpSender {
  /**
   * Writes the protected form of `packet` into `into`, which may be the same memory and has room for `longestTrailer` more. Returns
   * its length; 0 for what cannot go out: no packet of that kind, a number that was used before (RFC 3711 §9.1), or a closed session.
   */
  protectRtp(packet: Uint8Array, into: Uint8Array): number;
  protectRtcp(packet: Uint8Array, into: Uint8Array): number;
  /** Forgets the keys. */
  close(): void;
  /** Of the native addon's sessions: by it the addon protects what it sends. */
  readonly handle?: Handle<"srtp">;
}

/** What was dropped since the session was opened. */
export interface SrtpDrops {
  /** Its tag is not by this key: plain, tampered with, or somebody else's. */
  readonly forged: number;
  /** Taken before, or too late to tell. */
  readonly replayed: number;
  /** No packet of that kind. */
  readonly malformed: number;
}

export interface SrtpReceiver {
  /** Opens a packet in place. Returns the length of what was in it, from its start; 0: dropped, and what is there is not to be read. */
  unprotectRtp(packet: Uint8Array): number;
  unprotectRtcp(packet: Uint8Array): number;
  readonly dropped: SrtpDrops;
  /** Forgets the keys. */
  close(): void;
}

export class SrtpError extends Error {
  override readonly name = "SrtpError";
}

/** Opening a session throws SrtpError for a key that does not fit its suite. */
export interface Srtp {
  sender(key: SrtpKey): SrtpSender;
  receiver(key: SrtpKey): SrtpReceiver;
}
