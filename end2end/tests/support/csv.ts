// Reading the CSV files that the portal gives out (RFC 4180).

/** One record for each line after the head. */
export function records(text: string): Record<string, string>[] {
  const [head, ...lines] = table(text.replace(/^\ufeff/, ""));
  return lines.map((line) => Object.fromEntries(head.map((name, i) => [name, line[i] ?? ""])));
}

function table(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (!found) throw new Error(`no CSV: ${text.slice(0, 200)}`);
    line.push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (found[3] !== ",") {
      lines.push(line);
      line = [];
    }
  }
  return lines;
}
