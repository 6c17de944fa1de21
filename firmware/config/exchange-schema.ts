/** The shape of one exchange in a configuration file: a PBX, or any other SIP server, that this gateway exchanges calls with. */
import { z } from "zod";
import * as field from "./fields.ts";

const server = z
  .strictObject(
    {
      host: field.peerHost,
      port: z.exactOptional(field.port),
      transport: z.enum(["udp", "tcp", "tls"], "expected udp, tcp or tls").default("udp"),
      name: z.exactOptional(field.certificateName),
    },
    "expected host, and port, transport and name where they are others than usual",
  )
  .refine(({ transport, name }) => transport === "tls" || name === undefined, {
    path: ["name"],
    message: "this is who a certificate is for, and there is none without transport: tls; remove it",
  });

export const exchange = z.strictObject(
  {
    name: field.exchangeName,
    server,
    domain: z.exactOptional(field.domain),
    user: z.exactOptional(field.dialled),
    password: z.exactOptional(field.credential),
    register: z.exactOptional(z.boolean("expected true or false")),
    numbers: z
      .record(field.dialled, field.user, 'expected numbers and where they lead, such as "8000": ops')
      .default({}),
    priority: field.priority.default(0),
    calls: field.lines.default(8),
    dialOut: z.exactOptional(field.prefix),
  },
  "expected name, server and numbers",
);

type ExchangeFile = z.output<typeof exchange>;

/** What is left out of an exchange stands for something that is not. Ports: RFC 3261 §19.1.2. */
export function exchangeOf({ server, domain, register, ...same }: ExchangeFile) {
  const { port = server.transport === "tls" ? 5061 : 5060 } = server;
  return {
    ...same,
    server: { ...server, port },
    domain: domain ?? server.host,
    register: register ?? same.user !== undefined,
    numbers: new Map(Object.entries(same.numbers)),
  };
}
