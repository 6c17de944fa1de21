/**
 * What a gateway counts, for Prometheus and whoever reads its text format, at /metrics: how much there is of everything just now,
 * and how much was refused and dropped since the start. It shows numbers alone: no name of a user, no address, no password.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Http, HttpServer } from "../../hal/http/port.ts";
import type { Address } from "../../hal/network/port.ts";
import type { Log } from "../log.ts";

/** Of one gateway; running counts since its start where nothing else is said. */
export interface Counts {
  /** SIP traffic, by what was wrong with it. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Packets of legs with SRTP that were not by their keys. */
  readonly srtpDropped: Readonly<Record<string, number>>;
  /** Requests, by what their proof lacked. */
  readonly refused: Readonly<Record<string, number>>;
  /** Just now: dialogs, transactions, terminals that are registered, legs, private calls; of the conference server, legs and timers. */
  readonly now: Readonly<Record<string, number>>;
  /** Absent: nothing is recorded. */
  readonly voiceLog?: {
    /** Bursts. */
    readonly recorded: number;
    /** Packets that are in no recording. */
    readonly dropped: number;
    /** Of all recordings, and on their disk, now. */
    readonly heldBytes: number;
    readonly freeBytes: number;
    /** Whether bursts are recorded just now. */
    readonly recording: boolean;
  };
  readonly exchanges: readonly {
    readonly name: string;
    readonly up: boolean;
    readonly calls: number;
    readonly refused: Readonly<Record<string, number>>;
  }[];
}

/** Rejects with DeviceError when the address is not to be had. */
export async function openMetrics(
  ports: { readonly http: Http; readonly log: Log },
  local: Address,
  counts: () => Promise<Counts>,
): Promise<HttpServer> {
  let latest = await counts();
  const registry = registryOf(() => latest);
  const server = await ports.http.serve(local, async (path) => {
    if (path !== "/metrics") return undefined;
    latest = await counts();
    return { type: registry.contentType, content: await registry.metrics() };
  });
  ports.log.info({ event: "metrics", at: server.local }, "metrics at /metrics");
  return server;
}

function registryOf(counts: () => Counts): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  /** Counted elsewhere, so that it is set anew each time that somebody looks. */
  function counter(name: string, help: string, by: (counts: Counts) => Readonly<Record<string, number>>): void {
    new Counter({
      ...{ name, help, registers, labelNames: ["reason"] },
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(by(counts()))) this.inc({ reason: wordOf(reason) }, count);
      },
    });
  }
  counter("roger_sip_dropped_total", "SIP messages that were dropped, by what was wrong.", ({ dropped }) => dropped);
  counter(
    "roger_srtp_dropped_total",
    "Packets to legs with SRTP that were dropped, by what was wrong.",
    ({ srtpDropped }) => srtpDropped,
  );
  counter(
    "roger_requests_refused_total",
    "Requests without a good proof, by what it lacked.",
    ({ refused }) => refused,
  );

  new Gauge({
    ...{ name: "roger_in_use", help: "How much of each there is now.", registers, labelNames: ["what"] },
    collect() {
      for (const [what, count] of Object.entries(counts().now)) this.set({ what: wordOf(what) }, count);
    },
  });
  new Gauge({
    ...{ name: "roger_exchange_up", help: "1: registered there, or it answers.", registers, labelNames: ["exchange"] },
    collect() {
      for (const { name: exchange, up } of counts().exchanges) this.set({ exchange }, up ? 1 : 0);
    },
  });
  new Gauge({
    ...{ name: "roger_exchange_calls", help: "Calls with an exchange now.", registers, labelNames: ["exchange"] },
    collect() {
      for (const { name: exchange, calls } of counts().exchanges) this.set({ exchange }, calls);
    },
  });
  new Counter({
    name: "roger_exchange_refused_total",
    help: "Calls of an exchange that were refused, by reason.",
    registers,
    labelNames: ["exchange", "reason"],
    collect() {
      this.reset();
      for (const { name: exchange, refused } of counts().exchanges)
        for (const [reason, count] of Object.entries(refused)) this.inc({ exchange, reason: wordOf(reason) }, count);
    },
  });
  if (counts().voiceLog) addVoiceLog(registry, counts);
  return registry;
}

function addVoiceLog(registry: Registry, counts: () => Counts): void {
  const registers = [registry];
  type VoiceLog = NonNullable<Counts["voiceLog"]>;
  function counter(name: string, help: string, by: (voiceLog: VoiceLog) => number): void {
    new Counter({
      ...{ name, help, registers },
      collect() {
        const { voiceLog } = counts();
        this.reset();
        if (voiceLog) this.inc(by(voiceLog));
      },
    });
  }
  function gauge(name: string, help: string, by: (voiceLog: VoiceLog) => number): void {
    new Gauge({
      ...{ name, help, registers },
      collect() {
        const { voiceLog } = counts();
        if (voiceLog) this.set(by(voiceLog));
      },
    });
  }
  counter("roger_recorded_bursts_total", "Talk bursts in the voice log.", ({ recorded }) => recorded);
  counter("roger_unrecorded_packets_total", "Packets that are in no recording.", ({ dropped }) => dropped);
  gauge("roger_recordings_bytes", "What all recordings take.", ({ heldBytes }) => heldBytes);
  gauge("roger_recordings_free_bytes", "What is free on their disk.", ({ freeBytes }) => freeBytes);
  gauge("roger_recording", "1: bursts are recorded; 0: their disk is full or broken.", (log) =>
    log.recording ? 1 : 0,
  );
}

/** "wrongPassword" -> "wrong_password" */
function wordOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
