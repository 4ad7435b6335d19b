-- Adds to the revocation log.
-- KEYS: the log, its epoch.
-- ARGV: as they are taken apart here, then kind, name, before and until of each entry; '' for no before.
local kept_ms = ARGV[1]

local clock = redis.call('TIME')
redis.call('SET', KEYS[2], clock[1] .. clock[2], 'NX')
-- What is older is about no token any more.
local oldest = tonumber(clock[1]) * 1000 - tonumber(kept_ms)
for at = 2, #ARGV, 4 do
  redis.call('XADD', KEYS[1], 'MINID', string.format('%.0f', math.max(oldest, 0)), '*',
    'kind', ARGV[at], 'name', ARGV[at + 1], 'before', ARGV[at + 2], 'until', ARGV[at + 3])
end
-- Whatever is in it is over by then.
redis.call('PEXPIRE', KEYS[1], kept_ms)
redis.call('PEXPIRE', KEYS[2], kept_ms)
return { 'appended' }
