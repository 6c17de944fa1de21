/** A gateway as `roger run` starts it, with accounts for a load, on a port of its own of the loopback. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Measured, measured } from "./process.ts";

export interface GatewayPlan {
  /** For its files. */
  readonly folder: string;
  readonly port: number;
  readonly users: readonly string[];
  /** Registrations are kept on the disk. */
  readonly store: boolean;
  /** Options of Node: to profile it. */
  readonly node?: readonly string[];
  /** That everybody may talk in; "ops" where absent. */
  readonly talkgroups?: readonly string[];
  /** Of each talkgroup, as they are in the configuration: "talkSeconds: 5". */
  readonly settings?: string;
  /** Of the account with that number. */
  readonly priority?: (index: number) => number;
  /** Further lines of its configuration. */
  readonly more?: readonly string[];
}

export const host = "127.0.0.1";
export const realm = "crew.example";
/** One for all, so that another program can be told it in one line; sipp takes no spaces in it. */
export const password = "one-for-all";

export const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `u${index}`);

const program = join(import.meta.dirname, "../../../firmware/start.ts");

/** Resolves when it stands; `starting` gets it before it has said anything. */
export async function startGateway(
  plan: GatewayPlan,
  starting: (gateway: Measured) => void = () => {},
): Promise<Measured> {
  const config = join(plan.folder, "gateway.yaml");
  writeFileSync(config, configOf(plan), { mode: 0o600 });
  const gateway = measured(process.execPath, [...(plan.node ?? []), program, "run", "--config", config], {
    core: "measured",
    cwd: plan.folder,
  });
  starting(gateway);
  await gateway.printed(/"event":"ready"/);
  return gateway;
}

/** MD5 alone: sipp 3.6 knows no other, and kamailio is asked for the same. */
function configOf({ port, users, store, talkgroups = ["ops"], ...plan }: GatewayPlan): string {
  const { settings = "", priority, more = [] } = plan;
  const account = (user: string, index: number): string =>
    `{ user: ${user}, password: ${password}, talkgroups: [${talkgroups.join(", ")}], digest: [MD5]${priority ? `, priority: ${priority(index)}` : ""} }`;
  return `site: bench
realm: ${realm}
sip: { host: ${host}, port: ${port} }
media: { host: ${host}, ports: 20000-29999 }
broker: none
board: simulated
${store ? "store: gateway.db\n" : ""}accounts: [${users.map(account).join(", ")}]
talkgroups: [${talkgroups.map((name) => `{ name: ${name}, ${settings} }`).join(", ")}]
${more.join("\n")}
`;
}

/** One that nobody has, UDP. */
export async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, host);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
