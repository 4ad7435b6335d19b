// Seals or opens a token with jose: the wish on standard input, the answer on standard output.

import { readFileSync } from "node:fs";
import { CompactEncrypt, SignJWT, base64url, compactDecrypt, jwtVerify } from "jose";

const bytes = (text) => new TextEncoder().encode(text);

async function seal({ header, claims, secret, outer, key }) {
  const signed = await new SignJWT(claims).setProtectedHeader(header).sign(bytes(secret));
  return new CompactEncrypt(bytes(signed)).setProtectedHeader(outer).encrypt(base64url.decode(key));
}

async function open({ token, key, kid, secret, issuer, audience, now }) {
  const { plaintext, protectedHeader } = await compactDecrypt(token, base64url.decode(key), {
    keyManagementAlgorithms: ["dir"],
    contentEncryptionAlgorithms: ["A256GCM"],
  });
  if (protectedHeader.cty !== "JWT" || protectedHeader.kid !== kid) throw new Error("another outer header");
  const { payload } = await jwtVerify(plaintext, bytes(secret), {
    algorithms: ["HS256"],
    typ: "at+jwt",
    issuer,
    audience,
    currentDate: new Date(now * 1000),
  });
  return payload;
}

const { wish, ...given } = JSON.parse(readFileSync(0, "utf8"));
let answer;
try {
  answer = { ok: await { seal, open }[wish](given) };
} catch (error) {
  answer = { error: error.code ?? error.message };
}
console.log(JSON.stringify(answer));
