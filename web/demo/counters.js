/** Counters of several replicas, made into one row of numbers per moment. */

/** @typedef {Record<string, number>} Counts */
/** @typedef {{ instance: string, logins: Counts, refreshes: Counts }} Metrics */
/** @typedef {{ at: Date, counts: Counts }} Moment */

/**
 * Takes what a replica has counted since its start, and gives what came since it was last asked. Each request may meet
 * another replica: one that is met for the first time only tells where it stands.
 */
export class Increments {
  /** @type {Map<string, Counts>} */
  #last = new Map();

  /** @param {string} instance @param {Counts} counts @returns {Counts} */
  since(instance, counts) {
    const before = this.#last.get(instance);
    this.#last.set(instance, counts);
    if (!before) return {};
    return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Math.max(0, count - (before[name] ?? 0))]));
  }

  /** All that the replicas which were met have counted since their start. @returns {Counts} */
  get totals() {
    /** @type {Counts} */
    const sums = {};
    for (const counts of this.#last.values()) {
      for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
    }
    return sums;
  }

  get instances() {
    return this.#last.size;
  }
}
