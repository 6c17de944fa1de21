/** Stories of gateways that have a store: each test has a realm, a file for the store, and what is closed before them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openRealm, type StoryRealm } from "./realm.ts";

export interface KeptStory {
  realm: StoryRealm;
  folder: string;
  file: string;
  closes: (() => Promise<void> | void)[];
}

/** Nothing is left running after a test. */
export function keptStories(name: string) {
  const test = suite<KeptStory>(name);
  test.before.each(async (story) => {
    story.realm = await openRealm();
    story.folder = mkdtempSync(join(tmpdir(), `roger-${name}-`));
    story.file = join(story.folder, "roger.db");
    story.closes = [];
  });
  test.after.each(async ({ realm, folder, closes }) => {
    const closing = Promise.all(closes.map((close) => close()));
    await realm.clock.advance(5_000);
    await closing;
    await realm.close();
    assert.is(realm.clock.pending(), 0);
    rmSync(folder, { recursive: true });
  });
  return test;
}
