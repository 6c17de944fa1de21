/** What this gateway says to the others of a talkgroup: one RTP stream, whoever talks and in whatever codec. */
import type { Clock } from "../../hal/clock/port.ts";
import { plainStreams } from "../../hal/network/streams.ts";
import type { Random } from "../../hal/random/port.ts";
import { type CodecName, clockRates, codecNames } from "../media/codec.ts";
import { outgoingStream, type SourceNumbers, sourceTrack } from "../media/rewriter.ts";

export interface TrunkStream {
  /** A talk burst starts. */
  begin(): void;
  /** `packet` has 12 bytes of room before its payload. */
  send(packet: Uint8Array, source: SourceNumbers, codec: CodecName): void;
}

/** Payload types on a trunk, whatever a leg has agreed on. */
const trunkTypes: Readonly<Record<CodecName, number>> = { opus: 111, G722: 9, PCMU: 0, PCMA: 8 };
export const trunkCodecs: ReadonlyMap<number, CodecName> = new Map(
  codecNames.map((codec) => [trunkTypes[codec], codec]),
);

export function openTrunkStream(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  onTrunk: (packet: Uint8Array) => void,
): TrunkStream {
  const numbers = new DataView(random.bytes(8).buffer);
  const stream = outgoingStream(plainStreams(1), 0, {
    ssrc: numbers.getUint32(0),
    sequence: numbers.getUint16(4) & 0x7fff,
    timestamp: numbers.getUint32(4) & 0x7fff_ffff,
    clockRate: clockRates.opus,
  });
  const track = sourceTrack(clockRates.opus);

  return {
    begin() {
      track.begin();
      stream.begin(clock.now());
    },
    send(packet, source, codec) {
      stream.payloadType(trunkTypes[codec]);
      const written = stream.write(packet, track.follow(source), clock.now());
      if (written) onTrunk(written);
    },
  };
}
