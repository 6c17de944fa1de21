/** Watches each of a crew after a gateway has started, and keeps all that it is told. */
import { silent } from "../../firmware/log.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import type { Address } from "../../hal/network/port.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import { readPresence } from "./presence-documents.ts";
import { refusing } from "./sip-wire.ts";

const realm = "crew.example";

export interface CrewWatcher {
  /** "open" or "closed" of each user, in the order told. */
  readonly told: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

/** `user` watches `crew`. */
export async function openCrewWatcher(
  options: { readonly user: string; readonly password: string; readonly server: Address },
  crew: readonly string[],
  onNews: () => void,
): Promise<CrewWatcher> {
  const { user, password, server } = options;
  const told = new Map<string, string[]>();
  const endpoint = await openEndpoint(
    { clock: monotonicClock(), random: cryptoRandom(), network: nodeNetwork(), log: silent },
    { local: { host: "127.0.0.1", port: 0 }, userAgent: "watcher", transports: ["udp"] },
    refusing,
  );

  for (const other of crew) {
    const uri = `sip:${other}@${realm}`;
    told.set(other, []);
    endpoint.watch(
      {
        ...{ method: "SUBSCRIBE", uri, from: `sip:${user}@${realm}`, to: uri, event: "presence" },
        via: { transport: "udp", remote: server },
        credentials: { username: user, password },
      },
      {
        onNotify(body) {
          told.get(other)?.push(readPresence(new TextDecoder().decode(body)).basic);
          onNews();
        },
        onState(state) {
          if (state.active) return;
          told.get(other)?.push(`refused: ${state.status}`);
          onNews();
        },
      },
    );
  }
  return { told, close: () => endpoint.close() };
}
