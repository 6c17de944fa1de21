import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ownNetwork } from "../support/own-network.ts";
import { program } from "../support/program.ts";
import { skip, testWith } from "../support/skip.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const tsharkTest = missing ? (name: string) => skip(name, missing) : testWith("tshark");

/** What tshark finds in a floor message, by its own names. */
const fields = {
  port: "udp.srcport",
  message: "rtcp.app_data.mcptt.message",
  subtype: "rtcp.app.subtype",
  priority: "rtcp.app_data.mcptt.priority",
  duration: "rtcp.app_data.mcptt.duration",
  party: "rtcp.mcptt.granted_partys_id",
  mayRequest: "rtcp.app_data.mcptt.perm_to_req_floor",
  sequence: "rtcp.app_data.mcptt.msg_seq_num",
  faults: "_ws.malformed",
} as const;
type Row = Partial<Record<keyof typeof fields, string>>;

const names = ["Request", "Granted", "Taken", "Deny", "Release", "Idle", "Revoke", "", "", "", "Ack"];
/** In a subtype: an Ack is asked for. */
const asks = 0x10;

/** Floor messages of a capture in order; ports are learned by tshark from the session descriptions in it. */
function floorMessages(file: string): Row[] {
  const columns = Object.entries(fields).filter(([name]) => name !== "message");
  const args = ["-r", file, "-d", "udp.port==5070,sip", "-Y", 'rtcp.app.name == "MCPT"', "-T", "fields"];
  const out = execFileSync("tshark", [...args, "-E", "separator=|", ...columns.flatMap(([, field]) => ["-e", field])], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 60_000,
  });
  return out
    .trimEnd()
    .split("\n")
    .map((line) => {
      const cells = line.split("|");
      const row = Object.fromEntries(columns.map(([name], index) => [name, cells[index] ?? ""]));
      return { ...row, message: names[Number(row["subtype"]) & ~asks] ?? row["subtype"] ?? "" };
    });
}

tsharkTest("the floor messages of a burst between two sites decode in tshark with the right fields", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-burst-"));
  const capture = join(folder, "burst.pcap");
  const tshark = program("tshark", ["-i", "lo", "-f", "udp", "-w", capture, "-P", "-l"]);
  await tshark.printed(/Capture started/);
  const sites = await twoSites({ broker: "embedded" });
  try {
    const { north, south } = sites;
    const lamp = (role: string, active: boolean) => (event: { event: string; role?: string; active?: boolean }) =>
      event.event === "pin" && event.role === role && event.active === active;
    const taken = south.board.next(lamp("receive-lamp", true));
    await north.board.command({ press: "ptt" });
    await taken;
    const idle = south.board.next(lamp("receive-lamp", false));
    await north.board.command({ release: "ptt" });
    await idle;
  } finally {
    await sites.close();
    // What comes before the good-bye is in the file by the time that this is printed.
    await tshark.printed(/Request: BYE/).finally(tshark.stop);
  }
  const rows = floorMessages(capture);
  rmSync(folder, { recursive: true });
  assert.equal(
    rows.filter(({ faults }) => faults !== ""),
    [],
    "nothing is malformed",
  );
  const story = rows.filter(({ message }) => message !== "Idle");
  assert.equal(story.map(({ message }) => message).toSorted(), [
    "Ack",
    "Ack",
    "Granted",
    "Release",
    "Request",
    "Taken",
  ]);
  const by = (message: string): Row => story.find((row) => row.message === message) ?? {};
  const [request, granted, taken, release] = ["Request", "Granted", "Taken", "Release"].map(by);
  const asking = story.filter(({ subtype }) => (Number(subtype) & asks) !== 0).map(({ message }) => message);
  assert.equal(asking, ["Granted", "Release"], "each of these has its Ack");
  assert.is(request?.port, release?.port, "the button's agent asks and releases");
  assert.is(request?.priority, "0");
  assert.is(granted?.priority, "0");
  assert.is(granted?.duration, "30");
  assert.is(taken?.party, "sip:north-panel@crew.example");
  assert.is(taken?.mayRequest, "1");
  assert.is.not(taken?.port, granted?.port, "each conference server tells its own legs");
  // Idle when a leg joins, and again when the burst is over: south was waited for.
  const toldBySouth = rows.filter(({ port, sequence }) => port === taken?.port && sequence !== "");
  assert.equal(
    toldBySouth.map(({ message }) => message),
    ["Idle", "Taken", "Idle"],
  );
  const sequences = toldBySouth.map(({ sequence }) => Number(sequence));
  assert.equal(
    sequences,
    sequences.toSorted((a, b) => a - b),
  );
});

test.run();
