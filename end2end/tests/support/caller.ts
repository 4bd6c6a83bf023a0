// A person without a browser, who tries again when nobody answers; and dice that fall the same again.

import { type APIRequestContext, expect, request } from "@playwright/test";
import { records } from "./csv";
import { person } from "./portal";

/** Mulberry32: small, and the same for the same seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pause = (ms: number) => new Promise((go) => setTimeout(go, ms));

/** Looks again and again until it is so. */
export async function until(what: string, so: () => Promise<boolean>, seconds = 120): Promise<void> {
  const end = Date.now() + seconds * 1_000;
  while (Date.now() < end) {
    if (await so()) return;
    await pause(200);
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

/** Minor units of an amount in a CSV file. */
export const minor = (text: string) => Number(text.replace(/^'/, "").replace(".", ""));

/** The text of a page's main heading. */
export function heading(html: string): string {
  const found = /<h1[^>]*>(.*?)<\/h1>/s.exec(html)?.[1] ?? "";
  return found.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

/** What the form of a page that leads to `action` sends by itself; undefined where there is none. */
function hidden(html: string, action: string): Record<string, string> | undefined {
  for (const [, head, body] of html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
    if (!head.includes(`action="${action}"`)) continue;
    const fields: Record<string, string> = {};
    for (const [input] of body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      if (name) fields[name] = /value="([^"]*)"/.exec(input)?.[1] ?? "";
    }
    return fields;
  }
  return undefined;
}

export class Caller {
  private constructor(private readonly http: APIRequestContext) {}

  static async signIn(base: string, email: string): Promise<Caller> {
    const caller = await Caller.trySignIn(base, email, 60);
    if (!caller) throw new Error(`${email} cannot sign in`);
    return caller;
  }

  /** Signs in; undefined when no try was answered with a session. */
  static async trySignIn(base: string, email: string, tries = 1): Promise<Caller | undefined> {
    const caller = new Caller(await request.newContext({ baseURL: base }));
    const { password } = person("admin");
    for (let n = 0; n < tries; n += 1) {
      if (n > 0) await pause(250);
      const answer = await caller.tryPost("/sign-in", { email, password, next: "" });
      if (answer?.status !== 303) continue;
      expect(answer.location, `${email} signs in`).not.toContain("/sign-in");
      return caller;
    }
    await caller.end();
    return undefined;
  }

  /** Sends a form that may bring files. */
  async upload(path: string, multipart: Record<string, string>): Promise<string> {
    const answer = await this.http.post(path, { multipart, maxRedirects: 0 });
    return answer.headers().location ?? "";
  }

  /** One try; an answer that did not come is undefined. */
  async tryPost(path: string, form: Record<string, string>): Promise<{ status: number; location: string } | undefined> {
    try {
      const answer = await this.http.post(path, { form, maxRedirects: 0, timeout: 20_000 });
      return { status: answer.status(), location: answer.headers().location ?? "" };
    } catch {
      return undefined;
    }
  }

  async post(path: string, form: Record<string, string>) {
    for (let tries = 0; tries < 60; tries += 1) {
      const answer = await this.tryPost(path, form);
      if (answer && answer.status < 500) return answer;
      await pause(250);
    }
    throw new Error(`nobody answers ${path}`);
  }

  /** Presses the button of a page whose form leads to `action`, once; false where there is none. */
  async press(page: string, action: string): Promise<boolean> {
    const fields = hidden(await this.get(page), action);
    if (fields) await this.tryPost(action, fields);
    return fields !== undefined;
  }

  async get(path: string): Promise<string> {
    let said = "";
    for (let tries = 0; tries < 60; tries += 1) {
      try {
        const answer = await this.http.get(path, { timeout: 20_000 });
        said = `${answer.status()}`;
        if (answer.status() === 200) return await answer.text();
      } catch (error) {
        said = String(error);
      }
      await pause(250);
    }
    throw new Error(`${path}: ${said}`);
  }

  async csv(path: string) {
    return records(await this.get(path));
  }

  async end(): Promise<void> {
    await this.http.dispose();
  }
}
