-- Reads the records of sessions; false where there is none.
-- KEYS: the sessions.
local records = { 'records' }
for position, key in ipairs(KEYS) do
  records[position + 1] = redis.call('EXISTS', key) == 1 and redis.call('HMGET', key, unpack(NAMES))
end
return records
