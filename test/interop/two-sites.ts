/** Two real gateways, meeting at the embedded broker or at mosquitto, in the network that the test made. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import type { TlsIdentity } from "../../hal/network/port.ts";
import { type Site, startSite } from "../../scripts/demonstration/site.ts";
import { ownAddress } from "../support/own-network.ts";
import { type Program, program } from "../support/program.ts";

export type BrokerKind = "embedded" | "mosquitto";

export interface TwoSites {
  readonly north: Site;
  readonly south: Site;
  /** For files of this test; gone afterwards. */
  readonly folder: string;
  /** Where south speaks SIP: over UDP and TCP, and over TLS if it has an identity. */
  readonly sipOfSouth: Readonly<Record<Transport, string>>;
  close(): Promise<void>;
}

/** Each test has the network to itself: ports need no searching. */
const mqttPort = 1883;
const sip = { north: 5060, south: 5070, southTls: 5071 };

/** `accounts`, `exchanges`: YAML list items for south; `identity`: it speaks TLS as this, with those for whom `authorities` sign. Resolves when both have their sessions and see each other. */
export async function twoSites(options: {
  readonly broker: BrokerKind;
  readonly accounts?: string;
  readonly exchanges?: string;
  readonly identity?: TlsIdentity;
  readonly authorities?: string;
  /** Whether all talk and are heard at once. */
  readonly mixing?: boolean;
}): Promise<TwoSites> {
  const folder = mkdtempSync(join(tmpdir(), "roger-interop-"));
  const mosquitto = options.broker === "mosquitto" ? startMosquitto(folder) : undefined;
  await mosquitto?.printed(/mosquitto version .* running/);
  const url = `{ url: "mqtt://${ownAddress}:${mqttPort}" }`;
  const common = { host: ownAddress, folder, mixing: options.mixing ?? false };
  const north = await startSite({
    ...common,
    site: "north",
    sipPort: sip.north,
    mediaPorts: "20000-20999",
    broker: mosquitto ? url : `{ embedded: { host: ${ownAddress}, port: ${mqttPort} } }`,
    log: join(folder, "north.log"),
  });
  const south = await startSite({
    ...common,
    site: "south",
    sipPort: sip.south,
    mediaPorts: "21000-21999",
    broker: url,
    accounts: options.accounts ?? "",
    ...(options.exchanges !== undefined && { exchanges: options.exchanges }),
    ...(options.identity && { tls: writeIdentity(options.identity, folder, options.authorities) }),
    log: join(folder, "south.log"),
  });
  for (const { logged } of [north, south]) {
    await logged("the panel's session", ({ event }) => event === "session");
    await logged("the other site", ({ event, peers }) => event === "role" && Array.isArray(peers) && peers.length > 0);
  }
  return {
    north,
    south,
    folder,
    sipOfSouth: {
      udp: `${ownAddress}:${sip.south}`,
      tcp: `${ownAddress}:${sip.south}`,
      tls: `${ownAddress}:${sip.southTls}`,
    },
    async close() {
      await Promise.all([north.close(), south.close()]);
      await mosquitto?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The `sip.tls` part of a configuration in that folder, as YAML. */
function writeIdentity({ certificate, key }: TlsIdentity, folder: string, authorities?: string): string {
  writeFileSync(join(folder, "own.pem"), certificate);
  writeFileSync(join(folder, "own.key"), key, { mode: 0o600 });
  if (authorities !== undefined) writeFileSync(join(folder, "ca.pem"), authorities);
  const ca = authorities === undefined ? "" : ", ca: ca.pem";
  return `{ port: ${sip.southTls}, certificate: own.pem, key: own.key${ca} }`;
}

function startMosquitto(folder: string): Program {
  const settings = join(folder, "mosquitto.conf");
  writeFileSync(
    settings,
    `listener ${mqttPort} ${ownAddress}\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n`,
  );
  return program("/usr/sbin/mosquitto", ["-c", settings]);
}
