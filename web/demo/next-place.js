/** Where the gateway sent somebody away from, as it says in `?next=`. */

/** The only places that it sends people away from. Anything else is none of its doing, and never followed. */
const PLACES = /^(?!.*(?:\/\/|\.\.))\/(?:protected|legacy)\/[\w/.~?=-]*$/;

/** @param {string} search The query of this page's address. @returns {string | null} */
export function nextPlace(search) {
  const next = new URLSearchParams(search).get('next');
  return next && PLACES.test(next) ? next : null;
}
