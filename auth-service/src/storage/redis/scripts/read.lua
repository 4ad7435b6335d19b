-- Reads sessions; where there is none, there are no fields.
-- KEYS: the sessions.
local records = { 'records' }
for position, key in ipairs(KEYS) do
  records[position + 1] = redis.call('HGETALL', key)
end
return records
