-- Reads the revocation log.
-- KEYS: the log, its epoch.
-- ARGV: as they are taken apart here. Without a cursor, `epoch` and `position` are ''.
local epoch, position, limit, kept_ms = unpack(ARGV, 1, 4)

local clock = redis.call('TIME')
redis.call('SET', KEYS[2], clock[1] .. clock[2], 'NX', 'PX', kept_ms)
local own_epoch = redis.call('GET', KEYS[2])
local start = '-'
if position ~= '' then
  -- `0-0` is where an empty log ends.
  local known = position == '0-0' or (string.match(position, '^%d+%-%d+$')
    and #redis.call('XRANGE', KEYS[1], position, position) == 1)
  if epoch ~= own_epoch or not known then
    return { 'unknown_cursor' }
  end
  start = '(' .. position
end
local answer = { 'log', own_epoch }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', limit)) do
  table.insert(answer, { entry[1], entry[2][2], entry[2][4], entry[2][6], entry[2][8] })
end
return answer
