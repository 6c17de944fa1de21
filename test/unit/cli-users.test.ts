import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hashesOf } from "../../firmware/presence/accounts.ts";
import { isInstalled, skip } from "../support/skip.ts";
import { projectRoot } from "../support/source.ts";

interface Rig {
  folder: string;
  /** Runs the command in the folder; `input` is its standard input. */
  roger(args: string, input?: string): Promise<Ended>;
  /** Runs several, one after another in one process, which starts once; gives what each one said. */
  rogers(all: readonly string[]): Promise<readonly string[]>;
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const test = suite<Rig>("roger user and talkgroup");
const main = join(projectRoot, "firmware/start.ts");
const password = "correct horse";
const configuration = `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
store: state/north.db
accounts: [{ user: panel, password: "choose one", talkgroups: [ops] }]
panel: { account: panel, talkgroup: ops }
talkgroups: [{ name: ops }]
`;

const several = `
  import { perform } from ${JSON.stringify(new URL("../../firmware/cli.ts", import.meta.url).href)};
  for (const args of JSON.parse(process.argv[1])) process.stderr.write(await perform(args.split(" "), {}) + " end\\n");
`;

test.before.each((rig) => {
  rig.folder = mkdtempSync(join(tmpdir(), "roger-users-"));
  mkdirSync(join(rig.folder, "state"));
  writeFileSync(join(rig.folder, "north.yaml"), configuration, { mode: 0o600 });
  const run = async (args: readonly string[], input: string): Promise<Ended> => {
    const child = spawn(process.execPath, args, { cwd: rig.folder, timeout: 30_000 });
    const texts = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      texts.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      texts.err += text;
    });
    // Who is refused at once reads nothing.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [code] = await once(child, "close");
    return { code, ...texts };
  };
  rig.roger = (args, input = "") => run([main, ...args.split(" ")], input);
  rig.rogers = async (all) => {
    const { err } = await run(["--input-type=module", "--eval", several, JSON.stringify(all)], password);
    return err.split(" end\n").slice(0, -1);
  };
});
test.after.each((rig) => rmSync(rig.folder, { recursive: true }));

const done = (out: string) => ({ code: 0, out, err: "" });
const refused = (err: string) => ({ code: 2, out: "", err: `roger: ${err}\n` });
const storeOf = ({ folder }: Rig): string => join(folder, "state/north.db");

test("a user is added with a password from standard input, of which the store keeps hashes alone", async (rig) => {
  const options = "--name Dave --priority 7 --talkgroup ops --standing ops --config north.yaml";
  assert.equal(await rig.roger(`user add dave ${options}`, `${password}\nand no more\n`), done("user dave added\n"));
  const shown = JSON.parse((await rig.roger("user list --json --store state/north.db")).out);
  assert.equal(shown, [
    {
      user: "dave",
      name: "Dave",
      priority: 7,
      memberships: [{ talkgroup: "ops", role: "talk", mayPreempt: true, standing: true, origin: "command" }],
      origin: "command",
      digest: ["MD5", "SHA-256"],
    },
    {
      user: "panel",
      name: "",
      priority: 0,
      memberships: [{ talkgroup: "ops", role: "talk", mayPreempt: true, standing: false, origin: "config" }],
      origin: "config",
      digest: ["MD5", "SHA-256"],
    },
  ]);
  const database = new DatabaseSync(storeOf(rig));
  const rows = database.prepare("SELECT algorithm, ha1 FROM credentials WHERE user = 'dave'").all();
  database.close();
  const hashes = hashesOf({ user: "dave", realm: "crew.example", password }, ["MD5", "SHA-256"]);
  assert.equal(new Map(rows.map(({ algorithm, ha1 }) => [algorithm, ha1])), hashes);
  assert.not.ok(readFileSync(storeOf(rig)).includes(password));
});

test("a user's phone may be keyed by voice, and their terminals may hear further talkgroups", async (rig) => {
  await rig.roger("talkgroup add sea -c north.yaml");
  const dave = "user add dave --talkgroup ops --listen-only sea --keying voice --voice-hang 1.5 --inband-keys";
  const added = await rig.roger(`${dave} --scan sea --scan-priority sea --answer-back -c north.yaml`, password);
  assert.equal(added, done("user dave added\n"));
  const [listed] = JSON.parse((await rig.roger("user list --json -c north.yaml")).out);
  assert.equal(
    [listed.telephone, listed.scan],
    [
      { inbandKeys: true, voice: { thresholdDb: 12, hangMs: 1_500 } },
      { groups: ["sea"], priority: "sea", hangMs: 3_000, answerBack: true },
    ],
  );
  const refused = await rig.rogers([
    "user add eve --talkgroup ops --scan sea -c north.yaml",
    "user add eve --voice-hang 1 -c north.yaml",
    "user add eve --keying tones -c north.yaml",
    "user add eve --answer-back -c north.yaml",
  ]);
  assert.equal(
    refused.map((words) => words.trim().split("\n")[0]),
    [
      "roger: --scan sea: this is not among the account's talkgroups",
      "roger: --voice-hang 1: nothing is keyed by voice without keying: voice; add that, or remove this",
      "roger: --keying tones: expected dtmf or voice",
      "roger: --scan: expected one talkgroup at least",
    ],
  );
});

test("people are shown a table", async (rig) => {
  await rig.roger("talkgroup add sea --talk-seconds 12 --hang-seconds 0 --queueing --record -c north.yaml");
  await rig.roger("user add dave --listen-only ops --digest MD5 -c north.yaml", password);
  await rig.roger(
    "talkgroup member add sea dave --role dispatcher --priority 200 --no-preempt --emergency --standing -c north.yaml",
  );
  const chief = "user add chief --identity-of panel --dispatcher sea -c north.yaml";
  assert.equal(await rig.roger(chief), done("user chief added, an identity of panel\n"));
  assert.equal((await rig.roger("user list -c north.yaml")).out.split("\n"), [
    "USER   NAME  PRIORITY  TALKGROUPS                                                                         DIGEST             FROM",
    "chief        0         sea (dispatcher)                                                                   identity of panel  command",
    "dave         0         ops (listen), sea (dispatcher, priority 200, no pre-emption, emergency, standing)  MD5                command",
    "panel        0         ops                                                                                MD5, SHA-256       configuration",
    "",
  ]);
  assert.equal((await rig.roger("talkgroup list -c north.yaml")).out.split("\n"), [
    "TALKGROUP  MEMBERS  TALK  HANG  OPTIONS           FROM",
    "ops        2        30 s  10 s                    configuration",
    "sea        2        12 s  0 s   queueing, record  command",
    "",
  ]);
  assert.equal((await rig.roger("talkgroup member list sea -c north.yaml")).out.split("\n"), [
    "USER   ROLE        PRIORITY  PRE-EMPTS  EMERGENCY  SESSION   FROM",
    "chief  dispatcher  0         yes        no                   command",
    "dave   dispatcher  200       no         yes        standing  command",
    "",
  ]);
});

test("what was added is changed and removed", async (rig) => {
  await rig.roger("user add dave --digest MD5 -c north.yaml", password);
  assert.equal(
    await rig.roger("user passwd dave -c north.yaml", "another one\r\n"),
    done("password of dave changed\n"),
  );
  const database = new DatabaseSync(storeOf(rig));
  assert.equal(
    database
      .prepare("SELECT algorithm, ha1 FROM credentials WHERE user = 'dave'")
      .all()
      .map((row) => Object.values(row)),
    [...hashesOf({ user: "dave", realm: "crew.example", password: "another one" }, ["MD5"])],
    "by the digest that it was by",
  );
  database.close();
  for (const [args, out] of [
    ["talkgroup add sea", "talkgroup sea added\n"],
    ["talkgroup member add sea dave", "dave is a member of sea\n"],
    ["talkgroup member remove sea dave", "dave is no member of sea\n"],
    ["talkgroup remove sea", "talkgroup sea removed\n"],
    ["user remove dave", "user dave removed\n"],
  ])
    assert.equal(await rig.roger(`${args} -c north.yaml`), done(out ?? ""), args);
  assert.match((await rig.roger("user list -c north.yaml")).out, /^USER.*\npanel.*\n$/);
});

test("what makes no sense is refused with the reason, and nothing is done", async (rig) => {
  await rig.roger("talkgroup add sea -c north.yaml");
  const before = (await rig.roger("user list --json -c north.yaml")).out;
  const inConfig = "is in the configuration file; change it there, and restart the gateway";
  const attempts: readonly (readonly [args: string, words: string])[] = [
    ["user add panel", "there is a user panel already"],
    ["user add sea", "there is a talkgroup sea already"],
    ["user add buddies", "buddies: this is the name of everybody's buddy list; expected another"],
    ["user add direct", "direct: this is the name of the service of direct calls; expected another"],
    ["talkgroup add buddies", "buddies: this is the name of everybody's buddy list; expected another"],
    ["user add dave --talkgroup none", "there is no talkgroup none"],
    ["user add a/b", "a/b: expected 1 to 64 letters, digits, dots, _ and -, a letter or digit first"],
    ["user add dave --priority 256", "--priority: expected a whole number from 0 to 255"],
    ["user add dave --digest SHA1", "--digest 0: expected SHA-256 or MD5"],
    ["user remove dave", "there is no user dave"],
    ["user remove panel", `user panel ${inConfig}`],
    ["user passwd panel", `user panel ${inConfig}`],
    ["talkgroup add lake --talk-seconds soon", "--talk-seconds soon: expected 1 to 3600 seconds"],
    ["talkgroup remove ops", `talkgroup ops ${inConfig}`],
    ["talkgroup member add sea dave", "there is no user dave"],
    ["talkgroup member add sea panel --role king", "--role: expected talk, listen or dispatcher"],
    ["talkgroup member remove ops panel", `membership of panel in ops ${inConfig}`],
    ["talkgroup member list none", "there is no talkgroup none"],
  ];
  assert.equal(
    await rig.rogers(attempts.map(([args]) => `${args} -c north.yaml`)),
    attempts.map(([, words]) => `roger: ${words}\n2`),
  );
  assert.is((await rig.roger("user list --json -c north.yaml")).out, before);
});

test("an identity is added to a user without a password, and goes with the user", async (rig) => {
  await rig.roger("user add dave -c north.yaml", password);
  const { out: before } = await rig.roger("user list --json -c north.yaml");
  await rig.roger("user add chief --identity-of dave -c north.yaml");
  const attempts: readonly (readonly [args: string, words: string])[] = [
    ["user add boss --identity-of zoe", "there is no user zoe"],
    ["user add boss --identity-of boss", "there is no user boss"],
    ["user add boss --identity-of chief", "chief is an identity of dave itself; name dave"],
    ["user add boss --identity-of dave --digest MD5", "--digest: boss is proved as dave is"],
    ["user add chief --identity-of panel", "there is a user chief already"],
    ["user add boss --dispatcher ops --listen-only ops", "ops: a dispatcher talks; give --dispatcher or --listen-only"],
    ["user passwd chief", "chief is an identity of dave, whose password proves it"],
  ];
  assert.equal(
    await rig.rogers(attempts.map(([args]) => `${args} -c north.yaml`)),
    attempts.map(([, words]) => `roger: ${words}\n2`),
  );
  const [chief] = JSON.parse((await rig.roger("user list --json -c north.yaml")).out);
  assert.equal([chief.user, chief.owner, chief.digest], ["chief", "dave", []]);
  assert.equal(
    await rig.roger("user remove dave -c north.yaml"),
    done("user dave removed, and the identities chief\n"),
  );
  await rig.roger("user add dave -c north.yaml", password);
  assert.is((await rig.roger("user list --json -c north.yaml")).out, before);
});

test("a password that is missing or too short is refused, and no user is added", async (rig) => {
  const short = "password: expected 8 to 128 characters; a shorter one can be guessed from one captured login";
  for (const [input, words] of [
    ["", "no password on standard input"],
    ["1234567\n", short],
    [`${"x".repeat(10_000)}\n`, short],
  ])
    assert.equal(await rig.roger("user add dave -c north.yaml", input), refused(words ?? ""), input);
  assert.not.match((await rig.roger("user list -c north.yaml")).out, "dave");
});

test("which store is meant must be said, once, and it must be there", async (rig) => {
  assert.equal(await rig.roger("user list"), refused("give --config or --store, one of them"));
  assert.equal(
    await rig.roger("user list -c north.yaml --store state/north.db"),
    refused("give --config or --store, one of them"),
  );
  assert.equal(
    await rig.roger("user list --store state/north.db"),
    refused("state/north.db: there is no such store; correct the path, or give --config"),
  );
  assert.not.ok(existsSync(storeOf(rig)));
  writeFileSync(join(rig.folder, "plain.yaml"), configuration.replace(/store: .*/, ""), { mode: 0o600 });
  assert.equal(await rig.roger("user list -c plain.yaml"), {
    code: 2,
    out: "",
    err: "plain.yaml: store: missing; name a file for what is added by command\n",
  });
  chmodSync(join(rig.folder, "north.yaml"), 0o644);
  assert.match((await rig.roger("user list -c north.yaml")).err, /holds passwords, but others can read/);
  rmSync(join(rig.folder, "state"), { recursive: true });
  chmodSync(join(rig.folder, "north.yaml"), 0o600);
  const { code, err } = await rig.roger("user list -c north.yaml");
  assert.is(code, 1);
  assert.match(err, /^roger: store .*\/state\/north\.db: no such file or directory; correct its path/);
});

test("check says of the store what can be said without opening it", async (rig) => {
  const check = async () => (await rig.roger("check north.yaml")).out;
  assert.is(await check(), "north.yaml: sound\n");
  assert.not.ok(existsSync(storeOf(rig)), "it looks, and makes nothing");
  await rig.roger("user list -c north.yaml");
  assert.is(await check(), "north.yaml: sound\n");
  writeFileSync(storeOf(rig), "garbage".repeat(1_000));
  assert.match(
    await check(),
    /^north\.yaml: store: .*north\.db: its file format is unknown; a gateway would move it aside/,
  );
  rmSync(join(rig.folder, "state"), { recursive: true });
  assert.is(await check(), `north.yaml: store: the folder ${join(rig.folder, "state")} is not there; create it\n`);
});

/** At a terminal: types each line when the words before it have appeared, and gives all that appeared. */
async function atTerminal(rig: Rig, args: string, script: readonly (readonly [after: string, line: string])[]) {
  const command = `'${process.execPath}' '${main}' ${args}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: rig.folder, timeout: 30_000 });
  let shown = "";
  let waiting = [...script];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    const [next] = waiting;
    if (!next || !shown.includes(next[0])) return;
    waiting = waiting.slice(1);
    child.stdin.write(next[1]);
  });
  const [code] = await once(child, "close");
  return { code, shown };
}

if (isInstalled("script")) {
  test("a person at a terminal is asked twice, and nothing of it is shown", async (rig) => {
    const typed = await atTerminal(rig, "user add dave -c north.yaml", [
      ["password for dave: ", "wrong\u0015correct  \u007fhorsE\be\r"],
      ["again: ", "correct horse\r"],
    ]);
    assert.equal(typed, { code: 0, shown: "password for dave: \r\nagain: \r\nuser dave added\r\n" });
    const database = new DatabaseSync(storeOf(rig));
    const row = database.prepare("SELECT ha1 FROM credentials WHERE user = 'dave' AND algorithm = 'MD5'").get();
    database.close();
    assert.is(row?.["ha1"], hashesOf({ user: "dave", realm: "crew.example", password }, ["MD5"]).get("MD5"));
  });

  test("who types two different ones, or breaks off, has changed nothing", async (rig) => {
    for (const [script, words] of [
      [
        [
          ["dave: ", "correct horse\r"],
          ["again: ", "correct house\r"],
        ],
        /the two are not the same; nothing is done/,
      ],
      [[["dave: ", "correct\u0003"]], /broken off; nothing is done/],
      [[["dave: ", "\u0004"]], /broken off; nothing is done/],
    ] as const) {
      const { code, shown } = await atTerminal(rig, "user add dave -c north.yaml", script);
      assert.match(shown, words);
      assert.is(code, 2);
    }
    assert.not.match((await rig.roger("user list -c north.yaml")).out, "dave");
  });
} else skip("a password typed at a terminal", "script (util-linux) is not installed");

test("the store is where the configuration says, seen from its own folder", async (rig) => {
  mkdirSync(join(rig.folder, "elsewhere"));
  copyFileSync(join(rig.folder, "north.yaml"), join(rig.folder, "elsewhere/north.yaml"));
  chmodSync(join(rig.folder, "elsewhere/north.yaml"), 0o600);
  mkdirSync(join(rig.folder, "elsewhere/state"));
  await rig.roger("user list -c elsewhere/north.yaml");
  assert.equal([existsSync(join(rig.folder, "elsewhere/state/north.db")), existsSync(storeOf(rig))], [true, false]);
});

test.run();
