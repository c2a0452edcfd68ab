/** Builds the page into the Python package, and the tests into `.tests/`. */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "../operator/anomalyops_console/static");

function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort();
}

/** What the page is made of, as one digest; the tests of the package compare it. */
function digest() {
  const hash = createHash("sha256");
  const sources = [...files(join(here, "src")), join(here, "build.mjs"), join(here, "package-lock.json")];
  for (const path of sources) {
    hash.update(`${relative(here, path)}\0`).update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function licences() {
  const names = Object.keys(JSON.parse(readFileSync(join(here, "package.json"), "utf8")).dependencies).sort();
  return names
    .map((name) => {
      const { version } = JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
      return `${name} ${version}\n\n${readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim()}\n`;
    })
    .join("\n\n");
}

const shared = { bundle: true, format: "esm", target: "es2022", jsx: "automatic", jsxImportSource: "preact" };

if (process.argv.includes("--tests")) {
  const folder = join(here, ".tests");
  rmSync(folder, { recursive: true, force: true });
  await build({
    ...shared,
    entryPoints: files(join(here, "tests")).filter((path) => path.endsWith(".ts")),
    outdir: folder,
    platform: "node",
    outExtension: { ".js": ".mjs" },
  });
} else {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({ ...shared, entryPoints: [join(here, "src/app.tsx")], outfile: join(out, "console.js"), minify: true, legalComments: "none" });
  await build({ entryPoints: [join(here, "src/console.css")], outfile: join(out, "console.css"), bundle: true, minify: true });
  for (const name of ["index.html", "icon.svg"]) {
    cpSync(join(here, "src", name), join(out, name));
  }
  writeFileSync(join(out, "LICENCES.txt"), licences());
  writeFileSync(join(out, "SOURCE.sha256"), `${digest()}\n`);
}
