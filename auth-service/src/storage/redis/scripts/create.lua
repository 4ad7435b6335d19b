-- Stores a new session, unless the user's epoch is newer than its own by now.
-- KEYS: the session, the user's index, the user's epoch.
-- ARGV: as they are taken apart here, then the fields of the session; expiries are µs.
local epoch, name, absolute_expiry, forgotten_expiry, session_kept_ms, index_kept_ms = unpack(ARGV, 1, 6)

local user_epoch = tonumber(redis.call('GET', KEYS[3]) or '0')
if not user_epoch then
  return { 'damaged' }
end
if user_epoch > tonumber(epoch) then
  return { 'stale_epoch' }
end

-- Where it exists, an attempt before was carried out although it seemed to fail; what happened since stays.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 7))
  redis.call('PEXPIRE', KEYS[1], session_kept_ms)
  redis.call('ZADD', KEYS[2], absolute_expiry, name)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', forgotten_expiry)
  -- The index lives as long as the session in it that lives longest.
  if redis.call('PTTL', KEYS[2]) < tonumber(index_kept_ms) then
    redis.call('PEXPIRE', KEYS[2], index_kept_ms)
  end
end
return { 'created' }
