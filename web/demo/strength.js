/**
 * A rough guess at a password's strength while it is typed. The server judges for real, with zxcvbn and your own words in
 * mind, and says what is wrong; a dictionary of that size has no place in a page.
 */

const COMMON = /(pass ?w(or|0r)t?d|qwert|asdf|letmein|welcome|admin|login|iloveyou|dragon|monkey|latchkey|abc|123|111|000|20[0-3]\d|19[5-9]\d)/gi;

/** What bcrypt takes, in bytes. */
export const LONGEST = 71;

/**
 * @param {string} password
 * @param {string[]} own Words that whoever knows the user would try.
 * @returns {{ score: 0 | 1 | 2 | 3 | 4, words: string }}
 */
export function guess(password, own = []) {
  if (password === '') return { score: 0, words: 'A few random words are easier to keep in mind than signs.' };
  if (new TextEncoder().encode(password).length > LONGEST) return { score: 0, words: `Too long: ${LONGEST} bytes are the most.` };
  const left = own.filter((word) => word.length > 2).reduce((text, word) => text.toLowerCase().replaceAll(word.toLowerCase(), ''), password);
  const bits = entropy(left.replaceAll(COMMON, '·'));
  if (bits < 28) return { score: 1, words: 'Guessed in no time.' };
  if (bits < 45) return { score: 2, words: 'Weak: add another word.' };
  if (bits < 65) return { score: 3, words: 'Looks good. The server has the last word.' };
  return { score: 4, words: 'Looks strong. The server has the last word.' };
}

/** Bits if each sign were chosen by chance, less for repeats and runs such as `aaa` and `345`. @param {string} text */
function entropy(text) {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].map((kind, at) => (kind.test(text) ? [26, 26, 10, 33][at] : 0));
  const alphabet = kinds.reduce((sum, size) => sum + size, 0);
  const signs = [...text];
  const telling = signs.filter((sign, at) => at === 0 || Math.abs(sign.charCodeAt(0) - signs[at - 1].charCodeAt(0)) > 1).length;
  const different = new Set(signs).size;
  // Words are not chance: a letter in one is worth little more than two bits.
  return Math.min(telling, different * 2) * Math.min(Math.log2(alphabet || 1), 3.4);
}
