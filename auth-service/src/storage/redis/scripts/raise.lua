-- Raises the user's epoch to at least the given one, so that no session can be created under an older one any more.
-- KEYS: the user's index, the user's epoch.
-- ARGV: as they are taken apart here.
local epoch, kept_ms = unpack(ARGV, 1, 2)

local before = redis.call('GET', KEYS[2])
if before and not tonumber(before) then
  return { 'damaged' }
end
if not before or tonumber(before) < tonumber(epoch) then
  redis.call('SET', KEYS[2], epoch)
end
redis.call('PEXPIRE', KEYS[2], kept_ms)

