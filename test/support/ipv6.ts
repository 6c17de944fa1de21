import { nodeNetwork } from "../../hal/network/node.ts";

/** Why nothing can be tried over IPv6 here; undefined when it can. */
export async function ipv6Lacking(): Promise<string | undefined> {
  try {
    (await nodeNetwork().udp({ host: "::1", port: 0 }, () => {})).close();
    return undefined;
  } catch (error) {
    return `IPv6 is off here: ${error instanceof Error ? error.message : error}`;
  }
}
