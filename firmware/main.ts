/**
 * The program: a sound configuration in, real ports opened, a gateway started on them until it is asked to end.
 * The only file that opens hardware. What is wrong in the files is told before anything is opened.
 */
import { setPriority } from "node:os";
import type { Logger } from "pino";
import { openBoardControl } from "../hal/board/simulated-control.ts";
import { embeddedBroker } from "../hal/broker/embedded.ts";
import { mqttBroker } from "../hal/broker/mqtt.ts";
import type { Broker } from "../hal/broker/port.ts";
import { monotonicClock } from "../hal/clock/monotonic.ts";
import { DeviceError } from "../hal/error.ts";
import { openBoard } from "../hal/hal.ts";
import { nodeHttp } from "../hal/http/node.ts";
import { nodeLocal } from "../hal/local/node.ts";
import { nodeNetwork } from "../hal/network/node.ts";
import { cryptoRandom } from "../hal/random/node.ts";
import { openSpeech } from "../hal/speech.ts";
import type { AskLog } from "./cli/log.ts";
import { status } from "./cli/status.ts";
import { perform, type Run, type Trace } from "./cli.ts";
import { launchWorker } from "./conference/launch.ts";
import type { Site } from "./config/files.ts";
import { isLoopback, reachable } from "./config/host.ts";
import type { BrokerSettings } from "./config.ts";
import { openAdmin } from "./console/admin.ts";
import { askLog } from "./console/ask-log.ts";
import { openMetrics } from "./console/metrics.ts";
import { watchSip } from "./console/watch-sip.ts";
import { type Ending, processEnding } from "./ending.ts";
import { type Gateway, type GatewayPorts, startGateway } from "./gateway.ts";
import { openLog } from "./logging.ts";
import { launchDisk } from "./recorder/keeping.ts";
import { formatHostPort } from "./sip/uri.ts";
import { openStore } from "./store/store.ts";
import { launchWriter } from "./store/writing.ts";

const clock = monotonicClock();

/** Nice value: before everything on a board but the kernel's own. */
const voicePriority = -11;

const run: Run = async (site, logging) => {
  const log = openLog({ ...logging, gateway: site.config.gateway });
  for (const { path, message } of site.warnings) log.warn({ event: "warning" }, `${path}: ${message}`);
  goBeforeOthers(log);
  const ending = processEnding({ clock, log });
  try {
    await start(site, log, ending);
    await ending.asked;
    await ending.close(status.done);
    log.info({ event: "closed" }, "closed");
    return status.done;
  } catch (error) {
    if (!(error instanceof DeviceError)) return ending.crash(error);
    process.stderr.write(`roger: ${error.message}\n`);
    await ending.close(status.device);
    return status.device;
  }
};

/** Speech stutters where other programs have the processor first. Threads that are started from here on inherit it. */
function goBeforeOthers(log: Logger): void {
  try {
    setPriority(voicePriority);
  } catch {
    log.debug({ event: "priority" }, "this user may not raise the priority of a process; a busy machine may be heard");
  }
}

/** Opens every port and a gateway on them. Rejects with DeviceError when an address or a device is not to be had. */
async function start({ config, board: description, certificates }: Site, log: Logger, ending: Ending): Promise<void> {
  const random = cryptoRandom();
  const { opus, srtp, withoutNative } = await openSpeech();
  log.info(
    { event: "native", native: withoutNative === undefined },
    withoutNative ?? "the native addon does the work on speech",
  );
  const broker = config.broker && (await openBroker(config.broker, log, ending));

  const { board, outside } = await openBoard(description, { clock, random });
  ending.add(board.close, "urgent");
  if (config.control !== undefined) {
    if (!outside)
      throw new DeviceError(
        `board ${board.name}`,
        "ENOTSUP",
        "only a simulated board takes a control socket; remove it",
      );
    const control = await openBoardControl(config.control, { clock, outside });
    ending.add(control.close);
  }

  let gateway: Gateway | undefined;
  const voiceLog = () => gateway?.voiceLog;
  const admin =
    config.admin === undefined
      ? undefined
      : await openAdmin({ clock, local: nodeLocal(), log, voiceLog }, config.admin);
  if (admin) ending.add(admin.close);
  gateway = await startGateway(config, {
    clock,
    random,
    // One socket that every phone writes to: Node reads many datagrams of it a turn, where the addon takes turns between many sockets.
    network: nodeNetwork(),
    opus,
    srtp,
    board,
    ...(certificates && { certificates }),
    ...(broker && { broker }),
    conference: launchWorker,
    ...(config.store !== undefined && { store: openerOf(config.store, log, ending) }),
    ...(config.voiceLog && { disk: launchDisk }),
    log,
    ...(admin && { tap: admin.sip }),
    onCrash: ending.crash,
  });
  ending.add(gateway.close);
  if (config.metrics) {
    const metrics = await openMetrics({ http: nodeHttp(), log }, config.metrics, gateway.counts);
    ending.add(metrics.close);
  }
}

function openerOf(file: string, log: Logger, { crash }: Ending): NonNullable<GatewayPorts["store"]> {
  return (seed) => openStore(file, seed, { clock, log, writer: launchWriter, onCrash: crash });
}

async function openBroker(settings: BrokerSettings, log: Logger, ending: Ending): Promise<Broker> {
  if (settings.at === "url") return mqttBroker({ url: settings.url, ...settings.credentials, log });
  const { host, credentials } = settings;
  const { port, close } = await embeddedBroker({ host, port: settings.port, ...credentials });
  ending.add(close);
  if (!credentials && !isLoopback(host))
    log.warn(
      { event: "open-broker", host },
      "the embedded broker takes anyone; set username and password in broker.embedded",
    );
  return mqttBroker({ url: `mqtt://${formatHostPort({ host: reachable(host), port })}`, ...credentials, log });
}

const trace: Trace = async (path, filter, whole) => {
  try {
    await watchSip(nodeLocal(), { path, filter, whole }, (text) => process.stdout.write(`${text}\n`));
    return status.done;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    process.stderr.write(`roger: ${error.message}\n`);
    return status.device;
  }
};

const log: AskLog = (path, question) => askLog(nodeLocal(), path, question);

process.exit(await perform(process.argv.slice(2), { run, trace, log, now: clock.wall() }));
