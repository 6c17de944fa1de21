/** What the benchmarks say of a server is worth as much as their crowd: each server is heard by all of it, and by nobody else. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openJanus } from "../../scripts/benchmarks/rig/janus.ts";
import { during } from "../../scripts/benchmarks/rig/peers.ts";
import { openRoger } from "../../scripts/benchmarks/rig/roger.ts";
import { openSvxreflector } from "../../scripts/benchmarks/rig/svxreflector.ts";
import { ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";

const missing = await ownNetwork(import.meta.filename);
const contenderTest = (...programs: readonly string[]) =>
  missing ? (name: string) => skip(name, missing) : testWith("taskset", ...programs);
const most = 6;

contenderTest()(
  "every leg of a gateway hears every packet, in whatever codec, and the floor is given to one after the other",
  async () => {
    for (const codec of ["opus", "PCMU"] as const)
      await during(
        (opening) => openRoger({ ...opening, calls: 1, codec }),
        most,
        async (gateway) => {
          await gateway.listeners(2);
          await gateway.listeners(3);
          assert.equal(await gateway.talk(1), { sent: 50, heard: 150 }, codec);
          for (let count = 0; count < 3; count++) assert.ok((await gateway.begin()) > 0);
          assert.ok(gateway.process.cpu() > 0);
          assert.ok(gateway.process.memory() > 10);
          assert.ok(gateway.process.handles() > 20);
        },
      );
  },
);

contenderTest("svxreflector")(
  "every node of svxreflector hears every packet, and who begins to speak is heard",
  async () => {
    await during(openSvxreflector, most, async (reflector) => {
      await reflector.listeners(3);
      assert.equal(await reflector.talk(1), { sent: 50, heard: 150 });
      for (let count = 0; count < 3; count++) assert.ok((await reflector.begin()) > 0);
    });
  },
);

contenderTest("janus")("every participant of Janus is sent the mix", async () => {
  await during(openJanus, most, async (bridge) => {
    await bridge.listeners(3);
    const { sent, heard } = await bridge.talk(1);
    assert.is(sent, 50);
    // By a clock of its own.
    assert.ok(heard >= 120 && heard <= 180, `${heard} of 150`);
  });
});

test.run();
