/** A person at the keyboard: the space bar keys up and unkeys, since a terminal does not tell when a key is let go. */
import { emitKeypressEvents } from "node:readline";
import type { BoardEvent } from "../../hal/board/simulated-client.ts";
import type { Site } from "./site.ts";

const help = `space: key up / unkey     e: the emergency button     o: it is over (where it was called)     s: the other site's button     q: end
While the key is down, the microphone hears a speech that starts anew each time.
`;

/** Returns when the person ends it: q, Ctrl-C, or SIGTERM. */
export async function keys(sites: readonly Site[], speech: (site: string) => string): Promise<void> {
  const { stdin, stdout } = process;
  let chosen = 0;
  let keyed: Site | undefined;
  let button: "ptt" | "emergency" = "ptt";
  let pressedAt: number | undefined;
  const tell = (text: string): void => void stdout.write(`${text}\n`);

  function show(site: Site, event: BoardEvent): void {
    if (event.event === "edge" && event.active && site === keyed && pressedAt === undefined) {
      pressedAt = event.at;
      tell(`\n       0 ms  ${site.site}: button pressed`);
    }
    const when = `${(event.at - (pressedAt ?? event.at)).toFixed(0).padStart(8)} ms  ${site.site}`;
    if (event.event === "pin" && event.role === "transmit-lamp")
      tell(`${when}: ${event.active ? "Floor Granted, talk" : "floor released"}`);
    if (event.event === "pin" && event.role === "emergency-lamp")
      tell(`${when}: ${event.active ? "EMERGENCY" : "the emergency is over"}`);
    if (event.event === "pin" && event.role === "receive-lamp")
      tell(`${when}: ${event.active ? "somebody talks" : "floor idle"}`);
    // Whoever talks hears tones only.
    if (site === keyed) {
      if (event.event === "sound") tell(`${when}: tone`);
    } else if (event.event === "sound") tell(`${when}: the loudspeaker sounds`);
    else if (event.event === "quiet") tell(`${when}: the loudspeaker is silent`);
  }

  async function toggle(role: "ptt" | "emergency"): Promise<void> {
    const site = sites[chosen];
    if (keyed) {
      const { board } = keyed;
      keyed = undefined;
      await board.command({ "hear-stop": true });
      await board.command({ release: button, bounce: true });
    } else if (site) {
      keyed = site;
      button = role;
      pressedAt = undefined;
      await site.board.command({ press: button, bounce: true });
      await site.board.command({ hear: speech(site.site) });
    }
  }

  async function endEmergency(): Promise<void> {
    const board = sites[chosen]?.board;
    await board?.command({ press: "emergency-over" });
    await board?.command({ release: "emergency-over" });
  }

  const cancels = sites.map((site) => site.board.onEvent((event) => show(site, event)));
  try {
    await new Promise<void>((end, fail) => {
      process.once("SIGTERM", () => end());
      process.once("SIGINT", () => end());
      // A gateway that dies must not leave a person with dead keys.
      for (const site of sites) site.logged("nothing", () => false, 2 ** 31 - 1).catch(fail);
      if (!stdin.isTTY) return tell("no terminal: the gateways stay up until they are told to end (Ctrl-C)");
      tell(help);
      emitKeypressEvents(stdin);
      stdin.setRawMode(true);
      stdin.resume();
      stdin.on("keypress", (_text, key: { name?: string; ctrl?: boolean }) => {
        if (key.name === "q" || (key.ctrl && key.name === "c")) end();
        else if (key.name === "space") toggle("ptt").catch(fail);
        else if (key.name === "e") toggle("emergency").catch(fail);
        else if (key.name === "o") endEmergency().catch(fail);
        else if (key.name === "s" && !keyed) {
          chosen = (chosen + 1) % sites.length;
          tell(`the space bar is ${sites[chosen]?.site}'s button now`);
        }
      });
    });
  } finally {
    cancels.forEach((cancel) => cancel());
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }
}
