-- Carries out `decide_visit` of domain/session_secret.rs.
-- KEYS: the session.
-- ARGV: as they are taken apart here; times are µs where nothing else is said.
local now, presented, idle_expiry, noted_every, kept_for_ms = unpack(ARGV, 1, 5)

local session = session_at(KEYS[1], tonumber(now))
if session.state == 'revoked' then
  return { 'revoked', session.revoked }
elseif session.state ~= 'alive' then
  return { session.state }
end
local last_seen = number(session.last_seen)
if not last_seen then
  return { 'damaged' }
end

local known = known_as(session, presented)
if not known then
  return { 'unknown', redis.call('HGETALL', KEYS[1]) }
end
local forgets = known == 'current' and (session.previous_secret or '') ~= ''
if forgets then
  redis.call('HSET', KEYS[1], 'previous_secret', '')
end
if forgets or math.max(0, tonumber(now) - last_seen) >= tonumber(noted_every) then
  redis.call('HSET', KEYS[1], 'last_seen', now, 'idle_expiry', idle_expiry)
  redis.call('PEXPIRE', KEYS[1], kept_for_ms)
end
return { 'known', redis.call('HGETALL', KEYS[1]) }
