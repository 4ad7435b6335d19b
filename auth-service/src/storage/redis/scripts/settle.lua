-- Carries out `settle` of domain/throttle.rs.
-- KEYS: pair, account, address (the account once more where there is none), then the marks of a known address to make.
-- ARGV: as they are taken apart here; times are µs.
local now_text, settlement, has_address = unpack(ARGV, 1, 3)
local failures_kept, window, known_kept_ms, most_ahead = unpack(ARGV, 4, 7)
local now = tonumber(now_text)

local function take_back(key, kept)
  local found = counter(key, tonumber(kept), now, most_ahead)
  if found then
    redis.call('HSET', key, 'failures', string.format('%.0f', math.max(0, found.failures - 1)))
  end
end

take_back(KEYS[2], window)
if has_address == 'yes' then
  take_back(KEYS[3], window)
end
if settlement == 'withdrawn' then
  take_back(KEYS[1], failures_kept)
else
  redis.call('DEL', KEYS[1])
  for position = 4, #KEYS do
    redis.call('HSET', KEYS[position], 'failures', '0', 'since', now_text)
    redis.call('PEXPIRE', KEYS[position], known_kept_ms)
  end
end
return { 'settled' }
