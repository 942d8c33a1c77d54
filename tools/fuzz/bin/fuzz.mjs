#!/usr/bin/env node
// npm run fuzz -- --transport NAME: installs packages in a fresh clone, then runs src/main.ts with this Node.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages, requireNode } from '../../dev/prepare.mjs';

requireNode();
// Only in a fresh clone: the packages under running services stay as they are.
if (!existsSync(new URL('../../../node_modules', import.meta.url))) installPackages();
const flags = ['--conditions=@mcp-bridge/source', '--import', import.meta.resolve('tsx')];
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const fuzz = spawn(process.execPath, [...flags, main, ...process.argv.slice(2)], { stdio: 'inherit' });
// Ctrl-C reaches the child from the terminal; this process only waits for it to clean up.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => fuzz.kill('SIGTERM'));
fuzz.on('exit', (code) => process.exit(code ?? 1));
