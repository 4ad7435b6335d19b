/** Answers that say no (RFC 9457), as errors. */

/** @typedef {{ field: string, detail: string }} FieldProblem */

export class Problem extends Error {
  /**
   * @param {number} status 0 where there was no answer.
   * @param {string} code The stable word.
   * @param {string} detail
   * @param {FieldProblem[]} [fields]
   * @param {string | null} [retryAfter] Seconds.
   */
  constructor(status, code, detail, fields = [], retryAfter = null) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  /** @param {Response} response */
  static async of(response) {
    const body = await response.json().catch(() => ({}));
    const detail = body.detail ?? `The server answered ${response.status}`;
    return new Problem(response.status, body.code ?? 'unknown', detail, body.errors, response.headers.get('Retry-After'));
  }

  /**
   * Whatever was thrown, as a problem.
   * @param {any} error
   */
  static from(error) {
    if (error instanceof Problem) return error;
    const body = error?.problem ?? error;
    if (typeof body?.code === 'string' && typeof (error.status ?? body.status) === 'number') {
      return new Problem(error.status ?? body.status, body.code, body.detail ?? error.message, body.errors ?? [], error.retryAfter ?? null);
    }
    if (error instanceof TypeError) return new Problem(0, 'no_answer', 'There was no answer. Is the network there?');
    return new Problem(0, 'unknown', error instanceof Error ? error.message : String(error));
  }

  /** For people: what happened and, where that is known, what to do. */
  get sentence() {
    if (this.status === 429) return `${this.message}: ${this.retryAfter ?? 'a few'} seconds.`;
    const text = this.message.charAt(0).toUpperCase() + this.message.slice(1);
    return /[.!?]$/.test(text) ? text : `${text}.`;
  }
}
