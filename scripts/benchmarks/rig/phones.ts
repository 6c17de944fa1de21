/** Many terminals behind one socket of this process: what the gateway says to them, and what they say, is real SIP. */
import { type Endpoint, openEndpoint } from "../../../firmware/sip/endpoint.ts";
import { header, type SipResponse } from "../../../firmware/sip/message.ts";
import { monotonicClock } from "../../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../../hal/network/node.ts";
import { cryptoRandom } from "../../../hal/random/node.ts";
import { host, password, realm } from "./gateway.ts";

export interface Phones {
  /** Sends a request of a user to the gateway; resolves with the final answer. */
  request(user: string, method: string, parts?: Parts): Promise<SipResponse>;
  /** Subscribes to a user's presence; `onNotify` gets each document. */
  watch(watcher: string, user: string, onNotify: (document: string) => void): void;
  close(): Promise<void>;
}

export interface Parts {
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: { readonly type: string; readonly content: string };
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const decoder = new TextDecoder();
/** Requests that wait for an answer at a time: a crowd that is registered is no load test. */
const atATime = 50;

export async function openPhones(gatewayPort: number): Promise<Phones> {
  const gateway = { transport: "udp", remote: { host, port: gatewayPort } } as const;
  const ports = { clock: monotonicClock(), random: cryptoRandom(), network: nodeNetwork(), log: silent };
  const endpoint: Endpoint = await openEndpoint(
    ports,
    { local: { host, port: 0 }, transports: ["udp"], userAgent: "phones" },
    {
      onInvite: (invite) => invite.respond(486),
      onSubscribe: (subscribe) => subscribe.respond(489),
      onRequest: (incoming) => incoming.respond(405),
    },
  );
  const addressOf = (user: string): string => `sip:${user}@${realm}`;

  return {
    request: (user, method, { headers = [], body } = {}) =>
      new Promise((resolve) => {
        const out = {
          method,
          uri: method === "REGISTER" ? `sip:${realm}` : addressOf(user),
          from: addressOf(user),
          to: addressOf(user),
          via: gateway,
          credentials: { username: user, password },
          headers,
          ...(body && { body }),
        };
        endpoint.request(out, resolve);
      }),
    watch(watcher, user, onNotify) {
      endpoint.watch(
        {
          method: "SUBSCRIBE",
          uri: addressOf(user),
          from: addressOf(watcher),
          to: addressOf(user),
          via: gateway,
          credentials: { username: watcher, password },
          event: "presence",
          expires: 3_600,
        },
        { onNotify: (body) => onNotify(decoder.decode(body)), onState() {} },
      );
    },
    close: () => endpoint.close(),
  };
}

/** Throws Error for another status than 200. */
export async function registerAll(phones: Phones, users: readonly string[]): Promise<void> {
  for (let from = 0; from < users.length; from += atATime)
    await Promise.all(users.slice(from, from + atATime).map((user) => ok(phones.request(user, "REGISTER", expiring))));
}

const expiring: Parts = { headers: [["expires", "3600"]] };

export async function ok(answer: Promise<SipResponse>): Promise<SipResponse> {
  const response = await answer;
  if (response.status !== 200)
    throw new Error(`${header(response, "cseq")} of ${header(response, "to")}: ${response.status} ${response.reason}`);
  return response;
}
