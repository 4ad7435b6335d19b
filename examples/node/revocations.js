// Follows what Latchkey revokes, in the background.

import { setTimeout as sleep } from "node:timers/promises";
import { forget, get, ownToken } from "./call.js";

const SCOPE = "revocations:read";
const [LEEWAY, FIRST_PAUSE, LONGEST_PAUSE] = [5, 100, 5_000];
const revoked = new Map(); // "kind id" -> { before, until }

// Whether `revoked` has ever been as good as the feed.
export let heard = false;

// Whether the token with these verified claims was revoked; `kid` names the key that signed it.
export function isRevoked(claims, kid) {
  const names = [`jti ${claims.jti}`, `kid ${kid}`];
  if ("sid" in claims) names.push(`sid ${claims.sid}`);
  // A service's own, or one that it exchanged.
  if (!("sid" in claims) || "act" in claims) names.push(`client ${claims.client_id}`);
  return names.some((name) => claims.iat < (revoked.get(name)?.before ?? 0));
}

async function follow() {
  let [cursor, atTheEnd, pause] = [null, false, FIRST_PAUSE];
  for (;;) {
    try {
      const told = await ask(cursor, atTheEnd ? 25 : 0);
      if (told === null) {
        cursor = null; // begin again, and keep what is known
        throw new Error("the feed was made anew or put back");
      }
      told.entries.forEach(add);
      dropWhatIsOver(Date.now() / 1000);
      // A long snapshot comes in pages; once at the end, it is never left behind again.
      atTheEnd = cursor !== null && (atTheEnd || told.entries.length === 0);
      [cursor, pause] = [told.cursor, FIRST_PAUSE];
      heard ||= atTheEnd;
    } catch (error) {
      // Whatever it is: the service goes on with what it knows.
      console.error("the revocation feed cannot be followed:", error.message);
      atTheEnd = false;
      forget(SCOPE);
      await sleep(pause * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
}

async function ask(cursor, wait) {
  const url = new URL(process.env.REVOCATION_FEED_URL);
  url.searchParams.set("wait", wait);
  if (cursor !== null) url.searchParams.set("after", cursor);
  const answer = await get(url, await ownToken(SCOPE), (wait + 5) * 1_000);
  if (answer.status === 410) return null;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

// An entry takes nothing away from an earlier one.
function add({ kind, id, before, until }) {
  const known = revoked.get(`${kind} ${id}`) ?? { before: 0, until: 0 };
  const extent = { before: Math.max(known.before, before ?? Infinity), until: Math.max(known.until, until) };
  revoked.set(`${kind} ${id}`, extent);
}

function dropWhatIsOver(now) {
  for (const [name, { until }] of revoked) if (until + LEEWAY < now) revoked.delete(name);
}

follow();
