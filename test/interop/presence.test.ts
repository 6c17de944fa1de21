import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import { createWav } from "../../hal/audio/wav.ts";
import { ownNetwork } from "../support/own-network.ts";
import type { Program } from "../support/program.ts";
import { skip, testWith } from "../support/skip.ts";
import { baresip, command, type Phone } from "./baresip.ts";
import { linphone } from "./linphone.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip", "linphonec");
const accounts = ["phone1", "phone2", "phone3"]
  .map((user) => `  - { user: ${user}, password: another-one, talkgroups: [ops], digest: [MD5] }\n`)
  .join("");

async function until(isSo: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (let attempts = 0; !(await isSo()); attempts++) {
    if (attempts === 400) throw new Error(`waited 20 s for ${what()}`);
    await setTimeout(50);
  }
}

phoneTest(
  "baresip and Linphone see a talker of another site busy, and each other and another baresip come and go",
  async () => {
    const sites = await twoSites({ broker: "embedded", accounts });
    const { north, south, folder } = sites;
    const way = { transport: "udp", registrar: sites.sipOfSouth.udp } as const;
    const microphone = join(folder, "silence.wav");
    const silence = await createWav(microphone);
    silence.write(new Int16Array(48_000));
    await silence.close();
    const phones: Program[] = [];
    function phone(user: string, port: number, users: readonly string[]): Phone {
      const started = baresip({
        ...{ folder, user, password: "another-one", realm: "crew.example", codec: "PCMU", port, microphone },
        ...way,
        // It takes the next port after its own too.
        control: port + 2,
        watches: users,
      });
      phones.push(started);
      return started;
    }
    /** The statuses of a user that it printed, one after another; the first is not told. */
    const storyOf = (user: string): string =>
      first.lines
        // biome-ignore lint/suspicious/noControlCharactersInRegex: it prints in colours.
        .map((line) => line.replaceAll(/\x1b\[[0-9;]*m/g, ""))
        .flatMap((line) => new RegExp(`${user}@crew.example> changed status from \\w+ to (\\w+)`).exec(line)?.[1] ?? [])
        .join(" ");
    const sees = (user: string, story: string) =>
      until(
        () => storyOf(user) === story,
        () => `${user}: "${story}", but it saw "${storyOf(user)}"`,
      );

    const first = phone("phone1", 5080, ["north-panel", "phone2", "phone3"]);
    try {
      await south.logged("phone1 to register", ({ event, user }) => event === "registered" && user === "phone1");
      await until(
        async () => /Offline.*phone2[\s\S]*Offline.*phone3/.test(await command(5082, "contacts")),
        () => "phone1 to watch the others",
      );
      const third = linphone({
        ...{ folder, user: "phone3", password: "another-one", realm: "crew.example", ...way },
        ...{ authorities: "", port: 5096, watches: ["north-panel", "phone2"] },
      });
      phones.push(third);
      await sees("phone3", "Online");
      await third.printed(/Friend .*north-panel@crew.example> is Online/);
      await north.board.command({ press: "ptt" });
      await sees("north-panel", "Busy");
      await third.printed(/Friend .*north-panel@crew.example> is On the phone/);
      await north.board.command({ release: "ptt" });
      await sees("north-panel", "Busy Online");

      const second = phone("phone2", 5090, []);
      await sees("phone2", "Online");
      await third.printed(/Friend .*phone2@crew.example> is Online/);
      await command(5092, "presence_offline");
      await sees("phone2", "Online Offline");
      await command(5092, "presence_online");
      await sees("phone2", "Online Offline Online");
      await second.stop();
      await sees("phone2", "Online Offline Online Offline");
      await third.printed(/Friend .*phone2@crew.example> is Offline/);
      await third.stop();
      await sees("phone3", "Online Offline");
    } finally {
      await Promise.all(phones.map(({ stop }) => stop()));
      await sites.close();
    }
  },
);

test.run();
