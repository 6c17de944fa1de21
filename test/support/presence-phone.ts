/** A phone that registers, watches and publishes, and keeps what it is told: its readers are strict. */
import { silent } from "../../firmware/log.ts";
import { type OutgoingRequest, openEndpoint } from "../../firmware/sip/endpoint.ts";
import { header, type SipRequest, type SipResponse } from "../../firmware/sip/message.ts";
import type { VirtualClock } from "../../hal/clock/virtual.ts";
import type { Address } from "../../hal/network/port.ts";
import type { SimulatedNetwork } from "../../hal/network/simulated.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { type ListDocument, listOf, type PresenceDocument, readPresence } from "./presence-documents.ts";
import { refusing } from "./sip-wire.ts";

const decoder = new TextDecoder();

export interface Seen {
  /** Each NOTIFY with a body. */
  readonly notified: SipRequest[];
  /** "active", "403" */
  readonly states: string[];
  /** The words of the last document: "open", "open busy", "closed". */
  last(): string;
  all(): string[];
  close(): void;
}

/** "closed", "open", "open other: talking in a talkgroup, on-the-phone: note" */
export function wordsOf({ basic, activities, note }: PresenceDocument): string {
  const doing = activities.length > 0 ? ` ${activities.join(", ")}` : "";
  return `${basic}${doing}${note === undefined ? "" : `: ${note}`}`;
}

/** "bob open, carol open busy" */
export function listWords({ people }: ListDocument): string {
  return [...people].map(([uri, document]) => `${uri.slice(4, uri.indexOf("@"))} ${wordsOf(document)}`).join(", ");
}

export async function openPresencePhone(
  at: { readonly clock: VirtualClock; readonly network: SimulatedNetwork },
  options: {
    readonly user: string;
    readonly password: string;
    readonly realm: string;
    readonly host: string;
    readonly server: Address;
  },
) {
  const { clock, network } = at;
  const { user, password, realm, host } = options;
  const aor = `sip:${user}@${realm}`;
  const credentials = { username: user, password };
  const registrar = { transport: "udp", remote: options.server } as const;
  const endpoint = await openEndpoint(
    {
      clock,
      random: seededRandom(host.length * 1_000 + Number(host.split(".").at(-1))),
      network: network.host(host),
      log: silent,
    },
    { local: { host, port: 5060 }, userAgent: "test", supported: ["eventlist"] },
    { ...refusing, onInvite: (invite) => void invite.accept({ type: "application/sdp", content: "answer" }, silence) },
  );

  function watch(
    target: string,
    read: (notify: SipRequest) => string,
    headers: OutgoingRequest["headers"] = [],
    expires = 600,
  ): Seen {
    const notified: SipRequest[] = [];
    const states: string[] = [];
    const uri = `sip:${target}@${realm}`;
    const watcher = endpoint.watch(
      {
        method: "SUBSCRIBE",
        uri,
        from: aor,
        to: uri,
        via: registrar,
        credentials,
        headers,
        event: "presence",
        expires,
      },
      {
        onNotify: (_, request) => void notified.push(request),
        onState: (state) => void states.push(state.active ? "active" : `${state.status}`),
      },
    );
    const last = (): string => notified.map(read).at(-1) ?? "nothing";
    return { notified, states, last, all: () => notified.map(read), close: watcher.close };
  }

  return {
    endpoint,
    register: (expires = 300) => endpoint.register({ aor, registrar, credentials, expires, onState() {} }),
    /** The presence of one user. */
    watch: (target: string, headers: OutgoingRequest["headers"] = []) =>
      watch(target, (notify) => wordsOf(readPresence(decoder.decode(notify.body))), headers),
    /** The list of those whom this user may talk with. */
    buddies: (expires?: number) =>
      watch("buddies", (notify) => listWords(listOf(notify)), [["supported", "eventlist"]], expires),
    /** PUBLISH, and what is answered. */
    async publish(document: string, headers: OutgoingRequest["headers"] = [], of = user): Promise<SipResponse> {
      const answers: SipResponse[] = [];
      const uri = `sip:${of}@${realm}`;
      const body = { type: "application/pidf+xml", content: document };
      const own = headers.some(([name]) => name === "event") ? headers : [["event", "presence"] as const, ...headers];
      endpoint.request(
        {
          ...{ method: "PUBLISH", uri, from: aor, to: uri, via: registrar, credentials, headers: own },
          ...(document !== "" && { body }),
        },
        (response) => answers.push(response),
      );
      await clock.advance(50);
      const [answer] = answers;
      if (!answer) throw new Error("no answer to PUBLISH");
      return answer;
    },
  };
}

export type PresencePhone = Awaited<ReturnType<typeof openPresencePhone>>;

const silence = { onConfirmed() {}, onEnd() {} };

/** What a phone would publish. */
export function pidfOf(basic: "open" | "closed", doing = "", note = ""): string {
  const activities = doing === "" ? "" : `<dm:person id="p"><rpid:activities>${doing}</rpid:activities></dm:person>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:x@example.org">
 <tuple id="a"><status><basic>${basic}</basic></status></tuple>${note === "" ? "" : `<note>${note}</note>`}${activities}
</presence>`;
}

export const tagOf = (response: SipResponse): string => header(response, "sip-etag") ?? "";
