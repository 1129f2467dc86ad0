// node unpack_chromium.cjs FOLDER: makes FOLDER/chromium and FOLDER/lib (what it needs beside it) of FOLDER/package,
// the npm package @sparticuz/chromium as `npm pack` gave it.
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { brotliDecompressSync } = require("node:zlib");

const folder = process.argv[2];
const unpacked = (name) => brotliDecompressSync(fs.readFileSync(path.join(folder, "package", "bin", name)));

fs.writeFileSync(path.join(folder, "chromium"), unpacked("chromium.br"), { mode: 0o755 });
execFileSync("tar", ["-x", "-C", folder], { input: unpacked("al2023.tar.br") });
fs.rmSync(path.join(folder, "package"), { recursive: true });
