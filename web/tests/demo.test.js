// What the demo's pages reckon by themselves, without a page and without services.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Increments } from '../demo/counters.js';
import { open } from '../demo/jwt.js';
import { nextPlace } from '../demo/next-place.js';
import { LONGEST, guess } from '../demo/strength.js';

test('replicas that answer in turn are counted apart', () => {
  const increments = new Increments();
  assert.deepEqual(increments.since('one', { ok: 100 }), {}, 'the first answer only tells where a replica stands');
  assert.deepEqual(increments.since('two', { ok: 7 }), {});
  assert.deepEqual(increments.since('one', { ok: 103, throttled: 2 }), { ok: 3, throttled: 2 });
  assert.deepEqual(increments.since('two', { ok: 7 }), { ok: 0 });
  assert.deepEqual(increments.totals, { ok: 110, throttled: 2 });
  assert.equal(increments.instances, 2);
});

test('a token is opened whatever letters are in it', () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: 'Zoë', ext: { motto: '¿?>>ÿ' } };
  const opened = open(`${part({ alg: 'HS256' })}.${part(claims)}.c2ln`);
  assert.deepEqual(opened.claims, claims);
  assert.deepEqual(opened.header, { alg: 'HS256' });
});

test('of an encrypted token the header alone is shown', () => {
  const header = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url');
  assert.equal(open(`${header}..aXY.dGV4dA.dGFn`).claims, null);
});

test('no address but those behind the gate is gone on to', () => {
  const from = (next) => nextPlace(`?${new URLSearchParams({ next })}`);
  for (const next of ['/protected/', '/protected/a/b.html', '/legacy/?page=2']) assert.equal(from(next), next);
  for (const next of ['/', '//evil.example/', '/protected//evil.example', '/protected/../admin', 'https://evil.example/protected/', '/protectedx/', '/legacy/\\evil', 'javascript:alert(1)', '/legacy/\n/evil']) {
    assert.equal(from(next), null, next);
  }
  assert.equal(nextPlace(''), null);
});

test('a password of common words, runs and own words looks weak', () => {
  for (const password of ['password1', 'qwertyuiop', '12345678901234', 'aaaaaaaaaaaaaaaa', 'abcdefghij']) assert.ok(guess(password).score <= 2, password);
  assert.ok(guess('ada.lovelace', ['ada', 'lovelace']).score < guess('ada.lovelace').score);
});

test('a few words that have nothing to do with each other look strong', () => {
  assert.equal(guess('walnut-harbor-quill-7-lantern').score, 4);
});

test('a password that is longer than bcrypt takes is said to be too long, in bytes', () => {
  assert.match(guess('é'.repeat(36)).words, new RegExp(`${LONGEST} bytes`));
  assert.doesNotMatch(guess('é'.repeat(35)).words, /bytes/);
});
