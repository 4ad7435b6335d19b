-- Carries out `decide_visit` of domain/session_secret.rs.
-- KEYS: the session.
-- ARGV: as they are taken apart here; times are µs where nothing else is said.
local now, presented, idle_expiry, noted_every, kept_for_ms = unpack(ARGV, 1, 5)

local session = session_at(KEYS[1], tonumber(now))
if session.state == 'revoked' then
  return { 'revoked', session.record[REVOKED] }
elseif session.state ~= 'alive' then
  return { session.state }
end
local last_seen = number(session.record[LAST_SEEN])
if not last_seen then
  return { 'damaged' }
end

local known = known_as(session.record, presented)
if not known then
  return { 'unknown', session.record }
end
local forgets = known == 'current' and (session.record[PREVIOUS_SECRET] or '') ~= ''
if forgets then
  write(KEYS[1], session, { [PREVIOUS_SECRET] = '' })
end
if forgets or math.max(0, tonumber(now) - last_seen) >= tonumber(noted_every) then
  write(KEYS[1], session, { [LAST_SEEN] = now, [IDLE_EXPIRY] = idle_expiry })
  redis.call('PEXPIRE', KEYS[1], kept_for_ms)
end
return { 'known', session.record }
