/**
 * Asks once a second who is logged in, while somebody looks at the page: so a tab learns at once that its session was ended
 * elsewhere.
 */

import { connection } from './connection.js';
import { learnExpiry } from './expiry.js';
import { seen } from './seen.js';

/** @typedef {{ sub: string, sid: string, client_id: string, scope: string, roles: string[], authenticated_at: string, expires_at: string }} Whoami */

const PERIOD = 1_000;

/** Fires `beat` with `{ took, whoami }`, or with `{ problem }`. */
class Pulse extends EventTarget {
  /** @type {Whoami | null} The last answer. */
  whoami = null;
  #running = false;

  constructor() {
    super();
    connection.addEventListener('in', () => this.#run());
    connection.addEventListener('out', () => {
      this.whoami = null;
    });
    document.addEventListener('visibilitychange', () => this.#run());
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    while (connection.user && !document.hidden) {
      await this.#beat();
      await new Promise((resolve) => setTimeout(resolve, PERIOD));
    }
    this.#running = false;
  }

  async #beat() {
    const started = performance.now();
    try {
      const response = await connection.fetch('/api/whoami', { cache: 'no-store' });
      if (!response.ok) return this.#tell({ problem: response.status });
      this.whoami = await response.json();
      if (this.whoami && !seen.expiry && connection.mode !== 'session') learnExpiry(response, this.whoami.expires_at);
      this.#tell({ took: performance.now() - started, whoami: this.whoami });
    } catch {
      this.#tell({ problem: 0 });
    }
  }

  /** @param {{ took?: number, whoami?: Whoami | null, problem?: number }} detail */
  #tell(detail) {
    this.dispatchEvent(new CustomEvent('beat', { detail }));
  }
}

export const pulse = new Pulse();
