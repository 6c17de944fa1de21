/**
 * Follows a stream of MQTT control packets by their headers alone (MQTT 3.1.1 §2.2). The returned function takes the
 * next bytes and answers false once a packet announces more than `maxBytes`, or a length that is none.
 */
export function packetGuard(maxBytes: number): (chunk: Uint8Array) => boolean {
  let part: "type" | "length" | "body" = "type";
  let remaining = 0;
  let lengthBytes = 0;

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      switch (part) {
        case "type":
          at++;
          remaining = 0;
          lengthBytes = 0;
          part = "length";
          break;
        case "length": {
          const byte = chunk[at++] ?? 0;
          remaining += (byte & 0x7f) * 128 ** lengthBytes++;
          const more = (byte & 0x80) !== 0;
          if (remaining > maxBytes || (more && lengthBytes === 4)) return false;
          if (!more) part = remaining > 0 ? "body" : "type";
          break;
        }
        case "body": {
          const taken = Math.min(remaining, chunk.length - at);
          at += taken;
          remaining -= taken;
          if (remaining === 0) part = "type";
          break;
        }
      }
    }
    return true;
  };
}
