/** Cuts a byte stream into SIP messages (RFC 3261 §18.3, RFC 5626 §3.5.1). Each byte is moved and looked at a bounded number of times. */
import { ProtocolError } from "./message.ts";
import { contentLength, findEmptyLine, maxMessageBytes, readHead } from "./parse.ts";

export interface Framer {
  receive(data: Uint8Array): void;
  /** Delivers nothing more; frees the buffer. */
  close(): void;
}

export interface FramerOptions {
  /** One whole message, for `parseMessage`. `bytes` belong to the framer again after the call. */
  readonly onMessage: (bytes: Uint8Array) => void;
  /** CR LF CR LF between messages: answer with CR LF. */
  readonly onPing: () => void;
  /** Nobody knows where the next message starts: close the connection. Called once; nothing follows. */
  readonly onError: (error: ProtocolError) => void;
  /** The largest message, head and body. */
  readonly messageBytes?: number;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function streamFramer(options: FramerOptions): Framer {
  const { onMessage, onPing, onError, messageBytes = maxMessageBytes } = options;
  let buffer = new Uint8Array(Math.min(4_096, messageBytes));
  /** Bytes not delivered yet lie in buffer[start..end). */
  let start = 0;
  let end = 0;
  /** Where the search for the end of the header goes on. */
  let scanned = 0;
  /** Bytes of the frame at `start`; 0 until its header is complete. */
  let frame = 0;
  let lineBreaks = 0;
  let open = true;

  function close(): void {
    open = false;
    buffer = new Uint8Array(0);
  }

  function makeRoom(): void {
    if (start > 0) {
      buffer.copyWithin(0, start, end);
      scanned -= start;
      end -= start;
      start = 0;
      return;
    }
    if (buffer.length >= messageBytes) throw new ProtocolError(413, `message of more than ${messageBytes} bytes`);
    const larger = new Uint8Array(Math.min(buffer.length * 2, messageBytes));
    larger.set(buffer);
    buffer = larger;
  }

  function store(data: Uint8Array): number {
    if (end === buffer.length) makeRoom();
    const count = Math.min(buffer.length - end, data.length);
    buffer.set(data.subarray(0, count), end);
    end += count;
    return count;
  }

  function skipLineBreaks(): void {
    while (open && end - start >= 2 && buffer[start] === 13 && buffer[start + 1] === 10) {
      start += 2;
      lineBreaks++;
      if (lineBreaks % 2 === 0) onPing();
    }
    scanned = start;
  }

  /** The bytes of the frame at `start`, or 0 while its header is incomplete. */
  function measure(): number {
    const headEnd = findEmptyLine(buffer, scanned, end);
    if (headEnd < 0) {
      scanned = Math.max(start, end - 3);
      return 0;
    }
    const { headers } = readHead(decoder.decode(buffer.subarray(start, headEnd)), () => {});
    if (headers.filter(([name]) => name === "content-length").length !== 1)
      throw new ProtocolError(400, "a stream needs one Content-Length in each message");
    const length = headEnd + 4 - start + (contentLength(headers) ?? 0);
    if (length > messageBytes) throw new ProtocolError(413, `message of ${length} bytes, at most ${messageBytes}`);
    return length;
  }

  /** True when a message was delivered. */
  function deliver(): boolean {
    if (frame === 0 && scanned === start) skipLineBreaks();
    if (frame === 0) frame = start < end ? measure() : 0;
    if (frame === 0 || end - start < frame) return false;
    const message = buffer.subarray(start, start + frame);
    start += frame;
    scanned = start;
    frame = 0;
    lineBreaks = 0;
    onMessage(message);
    return true;
  }

  return {
    receive(data) {
      try {
        for (let at = 0; open && at < data.length; ) {
          at += store(data.subarray(at));
          while (open && deliver());
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        close();
        onError(error);
      }
    },
    close,
  };
}
