/**
 * A phone of a crew at a gateway that is killed now and then: it does one thing after the other, and remembers what it was told,
 * and what it cannot know.
 */
import { silent } from "../../firmware/log.ts";
import { type Incoming, type IncomingInvite, openEndpoint, type Watcher } from "../../firmware/sip/endpoint.ts";
import type { SipResponse } from "../../firmware/sip/message.ts";
import { answerOffer } from "../../firmware/sip/negotiation.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import type { Random } from "../../hal/random/port.ts";
import { pidfOf, tagOf } from "./presence-phone.ts";
import { refusing } from "./sip-wire.ts";

const clock = monotonicClock();
const realm = "crew.example";
const activities = ["", "<rpid:away/>", "<rpid:busy/>", "<rpid:other>do not disturb</rpid:other>"];

/** "unsure": it asked for something, and has no answer yet. */
export type Belief = "in" | "out" | "unsure";

export type CrewPhone = Awaited<ReturnType<typeof openCrewPhone>>;

export async function openCrewPhone(
  options: { readonly user: string; readonly password: string; readonly standing: boolean; readonly server: Address },
  random: Random,
  on: {
    answer(): void;
    session(): void;
    /** What was answered before this time, ms, is on the disk: a removal that was asked for then is answered. */
    settled(before: number): void;
  },
) {
  const { user, standing, server } = options;
  const aor = `sip:${user}@${realm}`;
  const via = { transport: "udp", remote: server } as const;
  let callId = random.token(8);
  let password = options.password;
  let cseq = 0;
  let etag: string | undefined;
  let subscription: { readonly watcher: Watcher; isAnswered: boolean; readonly done: () => void } | undefined;

  /** Of what was asked and is not answered: nobody waits for it any more. */
  let giveUp = (): void => {};
  let boots = 0;
  let endpoint = await boot(0);

  function boot(port: number) {
    boots += 1;
    const own = boots;
    const network = deafenable(nodeNetwork(), () => phone.isDead || boots > own);
    return openEndpoint(
      { clock, random: cryptoRandom(), network, log: silent },
      { local: { host: "127.0.0.1", port }, userAgent: "crew", transports: ["udp"] },
      { ...refusing, onInvite, onRequest: (incoming: Incoming) => incoming.respond(405) },
    );
  }

  const phone = {
    user,
    standing,
    belief: "out" as Belief,
    /** CSeq and time of the last REGISTER that was answered with 200, ms. */
    granted: { cseq: 0, at: 0 },
    /** The CSeq of a REGISTER that is known to be on the disk, or 0. */
    settled: 0,
    isDead: false,
    /** The next gateway may hear of a subscription that this one had not answered. */
    isMuddled: false,
    /** Sessions that came since the gateway started. */
    sessions: 0,
    /** Does something that the dice choose. Resolves when it is answered. */
    act(): Promise<void> {
      const dice = random.fraction();
      if (phone.belief !== "in") return dice < 0.85 ? register(600) : publish();
      if (dice < 0.4) return register(600);
      if (dice < 0.6) return register(0);
      return dice < 0.8 ? publish() : toggle();
    },
    /** The gateway is gone, and with it everything that it had promised but the registration. */
    bereave(): void {
      phone.isMuddled = subscription?.isAnswered === false;
      subscription?.watcher.close();
      subscription?.done();
      subscription = undefined;
      etag = undefined;
      phone.sessions = 0;
    },
    /** It is switched off and on, and knows nothing of what it did before. */
    async reboot(): Promise<void> {
      const { port } = endpoint.local;
      boots += 1;
      giveUp();
      await endpoint.close();
      callId = random.token(8);
      endpoint = await boot(port);
    },
    register: () => register(600),
    /** What was said by the password before counts no more. */
    setPassword(next: string): void {
      password = next;
      phone.belief = "out";
      phone.settled = 0;
    },
    close: () => endpoint.close(),
  };

  function onInvite(invite: IncomingInvite): void {
    const { answer } = answerOffer(invite.offer(), { host: "127.0.0.1", port: 9 }, "1");
    invite.accept({ type: "application/sdp", content: answer }, { onConfirmed() {}, onEnd() {} });
    phone.sessions += 1;
    on.session();
  }

  function ask(
    method: string,
    headers: readonly (readonly [string, string])[],
    more: { readonly uri?: string; readonly body?: string; readonly cseq?: number },
  ): Promise<SipResponse | undefined> {
    const { uri = aor, body = "" } = more;
    const credentials = { username: user, password };
    return new Promise((resolve) => {
      giveUp = () => resolve(undefined);
      endpoint.request(
        {
          ...{ method, uri, from: aor, to: aor, via, credentials, headers },
          ...(body !== "" && { body: { type: "application/pidf+xml", content: body } }),
          ...(more.cseq !== undefined && { series: { callId, cseq: more.cseq } }),
        },
        (response) => {
          resolve(response);
          on.answer();
        },
      );
    });
  }

  async function register(seconds: number): Promise<void> {
    const before = phone.belief;
    const by = password;
    // Room for the answers to challenges.
    cseq += 4;
    const first = cseq;
    phone.belief = "unsure";
    const at = clock.now();
    if (seconds === 0) {
      phone.settled = 0;
      subscription?.watcher.close();
      subscription = undefined;
    }
    const response = await ask("REGISTER", [["expires", `${seconds}`]], { uri: `sip:${realm}`, cseq: first });
    if (!response || by !== password) return;
    const { status } = response;
    // Refused for want of a proof: the account is not, or not yet, what it was taken for.
    if (status === 401 || status === 403) phone.belief = before;
    if (status !== 200) return;
    phone.belief = seconds > 0 ? "in" : "out";
    if (seconds > 0) phone.granted = { cseq: first, at: clock.now() };
    else on.settled(at);
  }

  async function publish(): Promise<void> {
    const doing = activities[Math.floor(random.fraction() * activities.length)] ?? "";
    const match = etag === undefined ? [] : [["sip-if-match", etag] as const];
    const response = await ask("PUBLISH", [["event", "presence"], ...match], { body: pidfOf("open", doing) });
    etag = response?.status === 200 ? tagOf(response) : undefined;
  }

  /** Subscribes to the talkgroup, or gives that up. */
  async function toggle(): Promise<void> {
    if (subscription) {
      subscription.watcher.close();
      subscription = undefined;
      return;
    }
    const uri = `sip:ops@${realm}`;
    const credentials = { username: user, password };
    await new Promise<void>((resolve) => {
      const watcher = endpoint.watch(
        { ...{ method: "SUBSCRIBE", uri, from: aor, to: uri, via, credentials }, event: "conference" },
        {
          onNotify() {},
          onState({ active }) {
            if (subscription?.watcher === watcher && active) subscription.isAnswered = true;
            resolve();
          },
        },
      );
      subscription = { watcher, isAnswered: false, done: resolve };
    });
    on.answer();
  }

  return phone;
}

/** Sends and hears nothing any more once it is dead. */
function deafenable(network: Network, isDead: () => boolean): Network {
  return {
    ...network,
    async udp(local, receive) {
      const socket = await network.udp(local, (data, from) => {
        if (!isDead()) receive(data, from);
      });
      return {
        ...socket,
        send(data, to) {
          if (!isDead()) socket.send(data, to);
        },
      };
    },
  };
}
