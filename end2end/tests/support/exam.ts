// The right answers of the demonstration's exam, read where the demonstration has them.

import { readFileSync } from "node:fs";

export type Known = { kind: string; prompt: string; options: string[]; answer: number[] };

/** Every question of the pool. */
export function questions(): Known[] {
  const source = readFileSync(new URL("../../../server/src/seed/course.rs", import.meta.url), "utf8");
  const begin = source.indexOf("const QUESTIONS");
  const text = source.slice(begin, source.indexOf("];", begin) + 2);
  const one = /\(\s*"(\w+)",\s*"((?:[^"\\]|\\.)*)",\s*&\[((?:\s*"(?:[^"\\]|\\.)*",?)+)\s*\],\s*&\[([\d,\s]+)\]/g;
  const found = [...text.matchAll(one)].map(([, kind, prompt, options, answer]) => ({
    kind,
    prompt: prompt.replaceAll('\\"', '"'),
    options: [...options.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, option]) => option),
    answer: answer.split(",").map((n) => Number.parseInt(n, 10)).filter(Number.isFinite),
  }));
  if (found.length === 0) throw new Error("the demonstration's questions could not be read");
  return found;
}
