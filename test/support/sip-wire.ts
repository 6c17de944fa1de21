import { silent } from "../../firmware/log.ts";
import { type EndpointOptions, type Handlers, openEndpoint } from "../../firmware/sip/endpoint.ts";
import type { SipMessage, SipResponse } from "../../firmware/sip/message.ts";
import { MalformedMessage, parseMessage } from "../../firmware/sip/parse.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import type { Address, UdpSocket } from "../../hal/network/port.ts";
import { type PathConditions, simulatedNetwork } from "../../hal/network/simulated.ts";
import { seededRandom } from "../../hal/random/seeded.ts";

/** A peer made of a bare socket: it sends what a test writes and keeps what arrives. */
export interface RawPeer {
  readonly address: Address;
  readonly received: SipMessage[];
  send(text: string | Uint8Array): void;
  /** The statuses received, in order. */
  statuses(): number[];
  close(): void;
}

const encoder = new TextEncoder();
export const serverAddress: Address = { host: "10.0.0.1", port: 5060 };

/** Refuses everything. */
export const refusing: Handlers = {
  onInvite: (invite) => invite.respond(486),
  onSubscribe: (subscribe) => subscribe.respond(489),
  onRequest: (incoming) => incoming.respond(405),
};

/** Endpoints and bare sockets on a simulated wire under a virtual clock; every datagram that was sent is in `sent`. */
export function sipWire(conditions: Partial<PathConditions> & { readonly seed?: number } = {}) {
  const { seed = 1, ...path } = conditions;
  const clock = virtualClock();
  const network = simulatedNetwork({ clock, random: seededRandom(seed), latencyMs: 5, ...path });
  const sent: { readonly from: string; readonly message: SipMessage }[] = [];
  let endpoints = 0;

  network.onDatagram(({ from, data }) => {
    try {
      sent.push({ from: from.host, message: parseMessage(data) });
    } catch {
      // What a fuzz test sends is no message.
    }
  });

  return {
    clock,
    network,
    sent,
    /** How many of this method, or with this status for this method, went out from a host. */
    count(from: string, what: string | number, method?: string): number {
      return sent.filter(({ from: source, message }) => {
        if (source !== from) return false;
        if (message.kind === "request") return message.method === what;
        return message.status === what && (method === undefined || cseqMethod(message) === method);
      }).length;
    },
    endpoint(local: Address, handlers: Handlers = refusing, options: Partial<EndpointOptions> = {}) {
      endpoints += 1;
      const ports = {
        clock,
        random: seededRandom(seed * 100 + endpoints),
        network: network.host(local.host),
        log: silent,
      };
      return openEndpoint(ports, { local, userAgent: "test", ...options }, handlers);
    },
    async raw(address: Address, to: Address = serverAddress): Promise<RawPeer> {
      const received: SipMessage[] = [];
      const socket: UdpSocket = await network.host(address.host).udp(address, (data) => {
        try {
          received.push(parseMessage(data));
        } catch (error) {
          // The answer to a request that lacks something lacks it too.
          if (!(error instanceof MalformedMessage)) throw error;
        }
      });
      return {
        address,
        received,
        send: (text) => socket.send(typeof text === "string" ? encoder.encode(text) : text, to),
        statuses: () => received.flatMap((message) => (message.kind === "response" ? [message.status] : [])),
        close: socket.close,
      };
    },
  };
}

function cseqMethod(response: SipResponse): string | undefined {
  return response.headers.find(([name]) => name === "cseq")?.[1].split(" ")[1];
}

/** A request as text, complete but for what a test leaves out or changes. */
export function requestText(parts: {
  readonly method: string;
  readonly branch?: string;
  readonly cseq?: number;
  readonly callId?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly host?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}): string {
  const {
    method,
    branch = "z9hG4bK1",
    cseq = 1,
    callId = "c1",
    fromTag = "f1",
    toTag,
    host = "10.0.0.9",
    body = "",
  } = parts;
  return [
    `${method} sip:group@10.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP ${host}:5060;rport;branch=${branch}`,
    "Max-Forwards: 70",
    `From: <sip:peer@${host}>;tag=${fromTag}`,
    `To: <sip:group@10.0.0.1>${toTag === undefined ? "" : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(parts.headers ?? [`Contact: <sip:peer@${host}:5060>`]),
    `Content-Length: ${encoder.encode(body).length}`,
    "",
    body,
  ].join("\r\n");
}
