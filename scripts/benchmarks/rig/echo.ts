/** The least that any server does: it sends back what comes. What this takes is the machine's, and no other server can be quicker. */
import { monotonicClock } from "../../../hal/clock/monotonic.ts";
import { openSpeech } from "../../../hal/speech.ts";
import type { Contender, Opening } from "./contender.ts";
import { freePort, host } from "./gateway.ts";
import { measured } from "./process.ts";

const patienceMs = 5_000;
const clock = monotonicClock();
const server = (port: number): string =>
  `const socket = require("node:dgram").createSocket("udp4");
   socket.on("message", (data, from) => socket.send(data, from.port, from.address));
   socket.bind(${port}, "${host}", () => console.log("ready"));`;

export async function openEcho({ folder }: Opening): Promise<Contender> {
  const port = await freePort();
  const program = measured(process.execPath, ["--eval", server(port)], { core: "measured", cwd: folder });
  await program.printed(/ready/);
  let onAnswer = (): void => {};
  const socket = await (await openSpeech()).network.udp({ host, port: 0 }, () => onAnswer());

  return {
    process: program,
    listeners: async () => {},
    talk: () => Promise.reject(new Error("an echo has no listeners")),
    begin: () =>
      new Promise((resolve, reject) => {
        const cancel = clock.after(patienceMs, () => reject(new Error("no echo")));
        const from = clock.now();
        onAnswer = () => {
          cancel();
          resolve(clock.now() - from);
        };
        socket.send(new Uint8Array(20), { host, port });
      }),
    async close() {
      socket.close();
      await program.stop();
    },
  };
}
