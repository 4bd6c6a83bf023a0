// Makes the site: what the server hands to a browser as it lies on disk.
//
//   node scripts/site.mjs CHECKOUT SITE TOOLS [APP.WASM]
//
//   SITE/…                 public/ as it is
//   SITE/pkg/manifest.json {"css": "portico.<hash>.css", "js": …, "wasm": …}; js and wasm are null
//                          where the portal is built without WebAssembly
//   SITE/pkg/portico.<hash>.{css,js,wasm}   the hash is the content's, so a browser may keep a file
//                          for ever
//
// Everything that shrinks lies beside itself as .br and .gz, so the server compresses nothing twice.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

const [checkout, site, tools, wasm] = process.argv.slice(2);
const require = createRequire(path.join(tools, "package.json"));
const pkg = path.join(site, "pkg");

/** Every file below a folder, sorted, so that the same files always give the same key. */
function filesBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function hashOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 12);
}

/** One value for everything that goes into the site: equal key, nothing to do. */
function keyOfInputs() {
  const key = createHash("sha256");
  const inputs = [
    fileURLToPath(import.meta.url),
    path.join(checkout, "scripts/tools/package-lock.json"),
    path.join(checkout, "Cargo.lock"),
    ...filesBelow(path.join(checkout, "style")),
    ...filesBelow(path.join(checkout, "public")),
    ...(wasm ? [wasm] : []),
  ];
  for (const file of inputs) {
    key.update(path.relative(checkout, file)).update("\0");
    key.update(fs.readFileSync(file)).update("\0");
  }
  return key.digest("hex");
}

/** Writes a file and its compressed forms, except where compressing gains next to nothing. */
function write(file, bytes) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
  const forms = {
    br: zlib.brotliCompressSync(bytes, {
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
        [zlib.constants.BROTLI_PARAM_LGWIN]: 22,
        [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
    gz: zlib.gzipSync(bytes, { level: 9 }),
  };
  for (const [extension, compressed] of Object.entries(forms)) {
    if (compressed.length < bytes.length * 0.95) fs.writeFileSync(`${file}.${extension}`, compressed);
    else fs.rmSync(`${file}.${extension}`, { force: true });
  }
}

function styles() {
  const { bundle } = require("lightningcss");
  const { code, warnings } = bundle({
    filename: path.join(checkout, "style/main.css"),
    minify: true,
  });
  for (const { message, loc } of warnings) {
    console.warn(`    style: ${message} (${loc?.filename}:${loc?.line})`);
  }
  return Buffer.from(code);
}

function webAssembly() {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "portico-site-"));
  try {
    execFileSync(
      "wasm-bindgen",
      ["--target", "web", "--no-typescript", "--remove-name-section", "--remove-producers-section",
        "--out-dir", work, "--out-name", "portico", wasm],
      { stdio: "inherit" },
    );
    const raw = path.join(work, "portico_bg.wasm");
    const small = path.join(work, "small.wasm");
    execFileSync(
      process.execPath,
      [path.join(tools, "node_modules/binaryen/bin/wasm-opt"), "-Oz",
        // What rustc's target switches on by itself; more would shut out browsers in use.
        "--enable-bulk-memory", "--enable-mutable-globals", "--enable-multivalue",
        "--enable-nontrapping-float-to-int", "--enable-reference-types", "--enable-sign-ext",
        "-o", small, raw],
      { stdio: "inherit" },
    );
    const snippets = path.join(work, "snippets");
    return {
      wasm: fs.readFileSync(small),
      js: fs.readFileSync(path.join(work, "portico.js"), "utf8"),
      snippets: filesBelow(snippets).map((file) => [path.relative(work, file), fs.readFileSync(file)]),
    };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

const stamp = path.join(pkg, ".inputs");
const key = keyOfInputs();
if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === key) process.exit(0);

fs.rmSync(site, { recursive: true, force: true });
fs.mkdirSync(pkg, { recursive: true });

const publicFolder = path.join(checkout, "public");
for (const file of filesBelow(publicFolder)) {
  write(path.join(site, path.relative(publicFolder, file)), fs.readFileSync(file));
}

const manifest = { css: null, js: null, wasm: null };
const css = styles();
manifest.css = `portico.${hashOf(css)}.css`;
write(path.join(pkg, manifest.css), css);

if (wasm) {
  const made = webAssembly();
  manifest.wasm = `portico.${hashOf(made.wasm)}.wasm`;
  write(path.join(pkg, manifest.wasm), made.wasm);
  // The script names its WebAssembly; the name has the hash, so the script's own hash covers both.
  const js = Buffer.from(made.js.replaceAll("portico_bg.wasm", manifest.wasm));
  manifest.js = `portico.${hashOf(js)}.js`;
  write(path.join(pkg, manifest.js), js);
  for (const [name, bytes] of made.snippets) write(path.join(pkg, name), bytes);
}

fs.writeFileSync(path.join(pkg, "manifest.json"), `${JSON.stringify(manifest)}\n`);
fs.writeFileSync(stamp, key);
for (const name of Object.values(manifest).filter(Boolean)) {
  const size = (extension) => {
    const file = path.join(pkg, name + extension);
    return fs.existsSync(file) ? `${(fs.statSync(file).size / 1024).toFixed(1)} KB` : "-";
  };
  console.log(`    ${name}: ${size("")}, brotli ${size(".br")}, gzip ${size(".gz")}`);
}
