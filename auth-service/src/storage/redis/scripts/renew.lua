-- Carries out `decide_renewal` of domain/session_secret.rs.
-- KEYS: the session.
-- ARGV: as they are taken apart here; `now` is µs.
local now, presented, new = unpack(ARGV, 1, 3)

local session = session_at(KEYS[1], tonumber(now))
if session.state == 'revoked' then
  return { 'revoked', session.record[REVOKED] }
elseif session.state ~= 'alive' then
  return { session.state }
elseif not known_as(session.record, presented) then
  return { 'unknown', session.record }
end
write(KEYS[1], session, { [SECRET] = new, [PREVIOUS_SECRET] = presented })
return { 'known', session.record }
