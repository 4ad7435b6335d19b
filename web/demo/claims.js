/** What the parts of an access token mean (RFC 9068 and RFC 7519). */

/** @type {Record<string, string>} */
export const HEADER = {
  alg: 'How it is signed. Services go by the key, never by this word.',
  typ: 'What kind of token it is, so that none is taken for another.',
  kid: 'Which key signed it.',
  enc: 'How it is encrypted.',
  cty: 'What is inside: a signed token.',
};

/** @type {Record<string, string>} */
export const CLAIMS = {
  iss: 'Who issued it. Services accept no other.',
  sub: 'Who you are. Names change; this does not.',
  aud: 'For which services it is. Others refuse it.',
  client_id: 'What you logged in through.',
  iat: 'When it was issued.',
  exp: 'When it ends.',
  nbf: 'Before this it is not good.',
  jti: 'The number of this very token. Half of it proves that auth-service itself made it.',
  sid: 'Your session. When it is revoked, services refuse each token that names it.',
  scope: 'What the token allows.',
  roles: 'What you are.',
  auth_time: 'When you last gave your password. Some things need a recent one.',
  csrf: 'A hash of the CSRF value: a service can check the header without asking anybody.',
  act: 'The services that act for you.',
  ext: 'What an administrator added about you.',
};

/** Claims that are instants, in seconds. */
export const INSTANTS = new Set(['iat', 'exp', 'nbf', 'auth_time']);
