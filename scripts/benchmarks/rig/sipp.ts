/** sipp as a crowd of phones: each call is one authenticated registration, REGISTER, 401, REGISTER with digest, 200. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, host, password, realm } from "./gateway.ts";
import { measured } from "./process.ts";

export interface Load {
  readonly folder: string;
  readonly port: number;
  readonly users: readonly string[];
  /** Registrations a second, and how many. */
  readonly rate: number;
  readonly count: number;
}

export interface Outcome {
  readonly succeeded: number;
  readonly failed: number;
  /** Requests that sipp sent again, for no answer came within 500 ms. */
  readonly repeated: number;
  readonly seconds: number;
  /** From the first REGISTER to the 200, whole ms, sorted. */
  readonly times: readonly number[];
  /** µs of processor time that sipp itself used for each. */
  readonly cpu: number;
}

const register = (cseq: number, credentials: string, attributes: string): string => `<send retrans="500"${attributes}>
<![CDATA[
REGISTER sip:${realm} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
Max-Forwards: 70
From: <sip:[field0]@${realm}>;tag=[pid]SIPpTag[call_number]
To: <sip:[field0]@${realm}>
Call-ID: [call_id]
CSeq: ${cseq} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>
${credentials}Expires: 600
Content-Length: 0

]]></send>
`;

const scenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="register">
${register(1, "", ' start_rtd="1"')}<recv response="401" auth="true"/>
${register(2, "[field1]\n", "")}<recv response="200" rtd="1"/>
</scenario>
`;

/** Response times are written in portions; a count that is a multiple of it has them all. */
export const portion = 100;
/** Calls that wait at a time, in seconds' worth of them. */
const patience = 4;

export async function registerBySipp({ folder, port, users, rate, count }: Load): Promise<Outcome> {
  for (const name of readdirSync(folder).filter((file) => /^register.*csv$/.test(file))) rmSync(join(folder, name));
  writeFileSync(join(folder, "register.xml"), scenario);
  const row = (user: string): string => `${user};[authentication username=${user} password=${password}]`;
  writeFileSync(join(folder, "rows"), `SEQUENTIAL\n${users.map(row).join("\n")}\n`);
  const sipp = measured(
    "sipp",
    [
      ...["-sf", "register.xml", "-inf", "rows", "-auth_uri", realm, "-nostdin"],
      ...["-m", `${count}`, "-r", `${rate}`, "-l", `${rate * patience}`, "-timeout", `${Math.ceil(count / rate) + 60}`],
      ...["-trace_rtt", "-rtt_freq", `${portion}`, "-trace_stat", "-stf", "register_stat.csv"],
      ...["-i", host, "-p", `${await freePort()}`, `${host}:${port}`],
    ],
    { core: "load", cwd: folder },
  );
  let cpu = 0;
  const watch = setInterval(() => {
    cpu = Math.max(cpu, sipp.cpu());
  }, 200);
  await sipp.ended;
  clearInterval(watch);
  return outcomeIn(folder, cpu / count);
}

function outcomeIn(folder: string, cpu: number): Outcome {
  const [head = [], ...rows] = linesOf(join(folder, "register_stat.csv"));
  const last = rows.at(-1) ?? [];
  const of = (name: string): string => last[head.indexOf(name)] ?? "";
  const rtt = readdirSync(folder).find((name) => name.endsWith("_rtt.csv"));
  const times = rtt === undefined ? [] : linesOf(join(folder, rtt)).slice(1);
  return {
    succeeded: Number(of("SuccessfulCall(C)")),
    failed: Number(of("FailedCall(C)")),
    repeated: Number(of("Retransmissions(C)")),
    seconds: secondsOf(of("ElapsedTime(C)")),
    times: times.map(([, ms]) => Number(ms)).sort((a, b) => a - b),
    cpu,
  };
}

function linesOf(file: string): readonly (readonly string[])[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => line.split(";"));
}

/** "00:00:10:097000" */
function secondsOf(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0, us = 0] = text.split(":").map(Number);
  return hours * 3_600 + minutes * 60 + seconds + us / 1e6;
}
