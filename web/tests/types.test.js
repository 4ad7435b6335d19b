// What TypeScript knows of the client.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { system } from './support.js';

test('TypeScript finds no fault with the client, and with a page only those that are there', () => {
  const compiler = `${system.packages}/node_modules/typescript/bin/tsc`;
  const options = '--noEmit --strict --allowJs --checkJs --target es2022 --lib es2022,dom --module esnext';
  const page = fileURLToPath(new URL('page.ts', import.meta.url));
  const told = spawnSync(process.execPath, [compiler, ...options.split(' '), '--moduleResolution', 'bundler', page]);
  assert.equal(told.status, 0, `${told.stdout}${told.stderr}`);
});
