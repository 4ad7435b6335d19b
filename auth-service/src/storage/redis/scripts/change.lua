-- Writes fields to each of the sessions that is alive, and says what became of it.
-- KEYS: the user's index, then the sessions.
-- ARGV: as they are taken apart here, then the fields.
-- `now` is µs; a session must be of an epoch before `newer_epoch`, unless that is ''; `ends` is 'yes' or 'no'.
local now, newer_epoch, ends = unpack(ARGV, 1, 3)

local changes = { 'changes' }
for position = 2, #KEYS do
  local key = KEYS[position]
  local session = session_at(key, tonumber(now))
  local change = 'not_due'
  if session.state == 'damaged' then
    change = 'damaged'
  elseif session.state == 'alive' and (newer_epoch == '' or session.epoch < tonumber(newer_epoch)) then
    redis.call('HSET', key, unpack(ARGV, 4))
    if ends == 'yes' then
      -- The session's name is the end of its key.
      redis.call('ZREM', KEYS[1], string.sub(key, -22))
    end
    change = 'done'
  end
  changes[position] = change
end
return changes
