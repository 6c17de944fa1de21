import { streamFramer } from "../../firmware/sip/framer.ts";
import type { SipMessage, SipRequest } from "../../firmware/sip/message.ts";
import { parseMessage } from "../../firmware/sip/parse.ts";
import { responseTo, serialize } from "../../firmware/sip/serialize.ts";
import type { TcpConnection } from "../../hal/network/port.ts";

/** A peer made of a bare connection: it sends what a test writes and keeps what arrives. */
export interface StreamPeer {
  readonly received: SipMessage[];
  /** Keep-alives that were answered. */
  pongs(): number;
  closed(): boolean;
  send(text: string): void;
  /** The statuses received, in order. */
  statuses(): number[];
  /** Answers the last request by this method. */
  answer(method: string, status: number): void;
  close(): void;
}

const encoder = new TextEncoder();

export function streamPeer(connection: TcpConnection): StreamPeer {
  const received: SipMessage[] = [];
  let pongs = 0;
  let closed = false;
  const framer = streamFramer({
    onMessage: (bytes) => void received.push(parseMessage(bytes)),
    onPing() {},
    onError(error) {
      throw error;
    },
  });
  connection.onData = (data) => {
    if (data.length === 2 && data[0] === 13 && data[1] === 10) pongs += 1;
    else framer.receive(data);
  };
  connection.onClose = () => {
    closed = true;
  };
  const isRequest = (message: SipMessage, method: string): message is SipRequest =>
    message.kind === "request" && message.method === method;
  return {
    received,
    pongs: () => pongs,
    closed: () => closed,
    send: (text) => void connection.send(encoder.encode(text)),
    statuses: () => received.flatMap((message) => (message.kind === "response" ? [message.status] : [])),
    answer(method, status) {
      const request = received.findLast((message) => isRequest(message, method));
      if (request?.kind !== "request") throw new Error(`no ${method} to answer`);
      connection.send(serialize(responseTo(request, status, { toTag: "mine" })));
    },
    close: connection.close,
  };
}
