/** The project's own source files as data, for rules about them. It reads text; it does not compile. */
import { globSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export interface Import {
  /** A path from the project's root, or the name of a package. */
  readonly target: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
  /** The text without comments and without what is in plain quotes. */
  readonly code: string;
  readonly imports: readonly Import[];
}

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

/** The files that match, in order. */
export const filesIn = (glob: string): string[] =>
  globSync(glob, { cwd: projectRoot })
    .filter((path) => statSync(join(projectRoot, path)).isFile())
    .sort();

const comment = /\/\/.*|\/\*[\s\S]*?\*\//;
const quoted = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/;
const template = /`(?:\\.|[^`\\])*`/;
/** A slash after one of these opens a regular expression; after anything else it divides. */
const regularExpression = /(?<=(?:[=(,:[!&|?{;>]|\breturn)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//;
const token = new RegExp([comment, quoted, template, regularExpression].map(({ source }) => source).join("|"), "g");

function codeOf(text: string): string {
  return text.replace(token, (found) => {
    if (/^["']/.test(found)) return '""';
    return /^\/[/*]/.test(found) ? " " : found;
  });
}

const declaration = /^(?:import|export)\s+(type\s)?(?:[\w$*{},\s]+?\sfrom\s+)?"([^"\n]+)"/gm;
const call = /\bimport\(\s*(?:"([^"\n]+)"|[^"\s])/g;

function importsOf(path: string, text: string): Import[] {
  const named = (target: string): string => (target.startsWith(".") ? normalize(join(path, "..", target)) : target);
  return [
    ...[...text.matchAll(declaration)].map(([, type, target = ""]) => ({ target: named(target), typeOnly: !!type })),
    // What is computed cannot be judged, and no rule allows it.
    ...[...text.matchAll(call)].map(([, target]) => ({ target: named(target ?? "(computed)"), typeOnly: false })),
  ];
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(join(projectRoot, path), "utf8");
  return { path, text, code: codeOf(text), imports: importsOf(path, text) };
}
