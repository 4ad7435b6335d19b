-- Carries out `settle` of domain/throttle.rs.
-- KEYS: pair, account, address (the account once more where there is none), then the marks of a known address to make.
-- ARGV: as they are taken apart here; times are µs.
local now_text, settlement, has_address = unpack(ARGV, 1, 3)
local account_failures, failures_kept, window, known_kept_ms, most_ahead = unpack(ARGV, 4, 8)
local now = tonumber(now_text)

-- Takes one failure back and returns how many are left. What counts nothing goes, unless it is to stay as a mark.
local function take_back(key, kept, stays)
  local found = counter(key, tonumber(kept), now, most_ahead)
  local left = found and math.max(0, found.failures - 1) or 0
  if found and (left > 0 or stays) then
    redis.call('HSET', key, 'failures', string.format('%.0f', left))
  elseif found ~= false then
    redis.call('DEL', key)
  end
  return left
end

local of_account = take_back(KEYS[2], window, false)
if has_address == 'yes' then
  take_back(KEYS[3], window, false)
end
if settlement == 'withdrawn' then
  take_back(KEYS[1], failures_kept, of_account >= tonumber(account_failures))
else
  redis.call('DEL', KEYS[1])
  for position = 4, #KEYS do
    redis.call('HSET', KEYS[position], 'failures', '0', 'since', now_text)
    redis.call('PEXPIRE', KEYS[position], known_kept_ms)
  end
end
return { 'settled' }
