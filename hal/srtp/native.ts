import type { Handle, NativeSrtp } from "../native/port.ts";
import { type Srtp, SrtpError, type SrtpKey } from "./port.ts";

/** libsrtp2, in the native addon. */
export function nativeSrtp(library: NativeSrtp): Srtp {
  const suites = { AEAD_AES_128_GCM: 0, AES_CM_128_HMAC_SHA1_80: 1 } as const;

  function open({ suite, master }: SrtpKey, sends: 0 | 1): Handle<"srtp"> {
    const result = library.open(suites[suite], sends, master);
    if (typeof result === "number")
      throw new SrtpError(`libsrtp2 opens no ${suite} with a key of ${master.length} bytes (${-result})`);
    return result;
  }

  return {
    sender(key) {
      const session = open(key, 1);
      const written = (result: number): number => Math.max(0, result);
      return {
        protectRtp: (packet, into) => written(library.protectRtp(session, packet, into)),
        protectRtcp: (packet, into) => written(library.protectRtcp(session, packet, into)),
        close: () => library.close(session),
        handle: session,
      };
    },
    receiver(key) {
      const session = open(key, 0);
      const dropped = { forged: 0, replayed: 0, malformed: 0 };
      let isOpen = true;

      function taken(result: number): number {
        if (result > 0) return result;
        if (isOpen) dropped[reasons.get(-result) ?? "malformed"] += 1;
        return 0;
      }

      return {
        unprotectRtp: (packet) => taken(library.unprotectRtp(session, packet)),
        unprotectRtcp: (packet) => taken(library.unprotectRtcp(session, packet)),
        dropped,
        close() {
          isOpen = false;
          library.close(session);
        },
      };
    },
  };
}

/** srtp_err_status_t, srtp.h: the tag is wrong (auth_fail); taken before (replay_fail), or too old. */
const reasons: ReadonlyMap<number, "forged" | "replayed"> = new Map([
  [7, "forged"],
  [9, "replayed"],
  [10, "replayed"],
]);
