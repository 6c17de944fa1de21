import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Counts, openMetrics } from "../../../firmware/console/metrics.ts";
import { silent } from "../../../firmware/log.ts";
import type { Page } from "../../../hal/http/port.ts";

/** Metrics behind a server that is asked without a network. */
async function open(counts: () => Promise<Counts>) {
  let pageAt: (path: string) => Promise<Page | undefined> = async () => undefined;
  const http = {
    async serve(local: { readonly host: string; readonly port: number }, page: typeof pageAt) {
      pageAt = page;
      return { local, close: async () => {} };
    },
  };
  await openMetrics({ http, log: silent }, { host: "127.0.0.1", port: 9464 }, counts);
  const lines = async () => (await pageAt("/metrics"))?.content.split("\n").filter((line) => line.startsWith("roger_"));
  return { lines, at: (path: string) => pageAt(path) };
}

const counts = {
  dropped: { malformed: 3 },
  srtpDropped: { forged: 6 },
  refused: { wrongPassword: 2, notLookedAt: 0 },
  now: { terminals: 5, serverTransactions: 7 },
  exchanges: [{ name: "pbx", up: true, calls: 1, refused: { lines: 4 } }],
};

test("what is counted is shown under names of its own, as it is when somebody looks", async () => {
  let now: Counts = counts;
  const metrics = await open(async () => now);
  assert.equal(await metrics.lines(), [
    'roger_sip_dropped_total{reason="malformed"} 3',
    'roger_srtp_dropped_total{reason="forged"} 6',
    'roger_requests_refused_total{reason="wrong_password"} 2',
    'roger_requests_refused_total{reason="not_looked_at"} 0',
    'roger_in_use{what="terminals"} 5',
    'roger_in_use{what="server_transactions"} 7',
    'roger_exchange_up{exchange="pbx"} 1',
    'roger_exchange_calls{exchange="pbx"} 1',
    'roger_exchange_refused_total{exchange="pbx",reason="lines"} 4',
  ]);
  now = { ...counts, dropped: { malformed: 5 }, exchanges: [] };
  const later = (await metrics.lines()) ?? [];
  assert.is(later[0], 'roger_sip_dropped_total{reason="malformed"} 5');
  assert.is(await metrics.at("/"), undefined);
});

test("a voice log is shown where there is one", async () => {
  const voiceLog = { recorded: 12, dropped: 3, heldBytes: 4_096, freeBytes: 1e9, recording: true };
  let now: Counts = { ...counts, voiceLog };
  const metrics = await open(() => Promise.resolve(now));
  const shown = async () => (await metrics.lines())?.slice(9);
  assert.equal(await shown(), [
    "roger_recorded_bursts_total 12",
    "roger_unrecorded_packets_total 3",
    "roger_recordings_bytes 4096",
    "roger_recordings_free_bytes 1000000000",
    "roger_recording 1",
  ]);
  now = { ...counts, voiceLog: { ...voiceLog, recording: false } };
  assert.is((await shown())?.at(-1), "roger_recording 0");
});

test.run();
