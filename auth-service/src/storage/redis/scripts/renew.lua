-- Carries out `decide_renewal` of domain/session_secret.rs.
-- KEYS: the session.
-- ARGV: as they are taken apart here; `now` is µs.
local now, presented, new = unpack(ARGV, 1, 3)

local session = session_at(KEYS[1], tonumber(now))
if session.state == 'revoked' then
  return { 'revoked', session.revoked }
elseif session.state ~= 'alive' then
  return { session.state }
elseif not known_as(session, presented) then
  return { 'unknown', redis.call('HGETALL', KEYS[1]) }
end
redis.call('HSET', KEYS[1], 'secret', new, 'previous_secret', presented)
return { 'known', redis.call('HGETALL', KEYS[1]) }
