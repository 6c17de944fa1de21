/** Phones over real sockets that register, publish, go and die beside a gateway that is killed; each knows what it was told. */
import { silent } from "../../firmware/log.ts";
import { type Credentials, type Endpoint, openEndpoint, type Session } from "../../firmware/sip/endpoint.ts";
import { answerOffer } from "../../firmware/sip/negotiation.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import type { Address } from "../../hal/network/port.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import { pidfOf } from "../support/presence-phone.ts";
import { refusing } from "../support/sip-wire.ts";

export const realm = "crew.example";
const decoder = new TextDecoder();
const ports = { clock: monotonicClock(), network: nodeNetwork(), random: cryptoRandom(), log: silent };

export interface Phone {
  readonly user: string;
  readonly contact: string;
  /** It has asked to be bound since it was last counted, answered or not. */
  asked: boolean;
  /** The last that it asked for was to be bound no more. */
  leaving: boolean;
  /** A request is under way; it does nothing else meanwhile. */
  readonly busy: () => boolean;
  /** Calls to it since it was last counted. */
  called: number;
  register(expires: number): void;
  publish(): void;
  /** It is there no more, and has told nobody. */
  die(): Promise<void>;
}

export const openPlain = (local: Address, handlers = refusing): Promise<Endpoint> =>
  openEndpoint(ports, { local, userAgent: "phone", supported: ["eventlist"] }, handlers);

export async function openPhone(user: string, credentials: Credentials, gateway: Address): Promise<Phone> {
  const via = { transport: "udp", remote: gateway } as const;
  const aor = `sip:${user}@${realm}`;
  const callId = `${user}-${ports.random.token(8)}`;
  let cseq = 0;
  let waiting = 0;
  let session: Session | undefined;

  const endpoint = await openPlain(
    { host: "127.0.0.1", port: 0 },
    {
      ...refusing,
      onInvite(invite) {
        phone.called += 1;
        session?.end();
        const { answer } = answerOffer(decoder.decode(invite.request.body), { host: "127.0.0.1", port: 9 }, "1");
        session = invite.accept({ type: "application/sdp", content: answer }, { onConfirmed() {}, onEnd() {} });
      },
    },
  );
  const contact = `sip:${user}@127.0.0.1:${endpoint.local.port}`;
  const common = { from: aor, to: aor, via, credentials };

  const phone: Phone = {
    user,
    contact,
    asked: false,
    leaving: false,
    called: 0,
    busy: () => waiting > 0,
    register(expires) {
      phone.asked ||= expires > 0;
      phone.leaving = expires === 0;
      waiting += 1;
      cseq += 10;
      const headers = [["contact", `<${contact}>`] as const, ["expires", `${expires}`] as const];
      endpoint.request(
        { ...common, method: "REGISTER", uri: `sip:${realm}`, headers, series: { callId, cseq } },
        () => {
          waiting -= 1;
        },
      );
    },
    publish() {
      const body = { type: "application/pidf+xml", content: pidfOf("open", "<rpid:away/>") };
      endpoint.request({ ...common, method: "PUBLISH", uri: aor, headers: [["event", "presence"]], body }, () => {});
    },
    die: () => endpoint.close(),
  };
  return phone;
}
