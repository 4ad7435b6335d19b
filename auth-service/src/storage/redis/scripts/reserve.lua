-- Carries out `decide` of domain/throttle.rs, with the same steps.
-- KEYS: pair, account, address, mark of a known address. Without an address, the last two are not looked at.
-- ARGV: as they are taken apart here; times are µs.
local now_text, has_address = ARGV[1], ARGV[2] == 'yes'
local free_failures, first_wait, longest_wait, failures_kept = unpack(ARGV, 3, 6)
local account_failures, account_wait, address_failures, window, known_for, most_ahead = unpack(ARGV, 7, 12)
local now = tonumber(now_text)

local pair = counter(KEYS[1], tonumber(failures_kept), now, most_ahead)
local account = counter(KEYS[2], tonumber(window), now, most_ahead)
local address, known
if has_address then
  address = counter(KEYS[3], tonumber(window), now, most_ahead)
  known = counter(KEYS[4], tonumber(known_for), now, most_ahead)
end
if pair == false or account == false or address == false or known == false then
  return { 'damaged' }
end

local function refused(limit, wait)
  return { 'refused', limit, string.format('%.0f', wait) }
end

local function write(key, failures, since, kept)
  redis.call('HSET', key, 'failures', string.format('%.0f', failures), 'since', since)
  redis.call('PEXPIRE', key, string.format('%.0f', tonumber(kept) / 1000))
end

if has_address then
  if address and address.failures >= tonumber(address_failures) then
    return refused('address', tonumber(window) - address.age)
  end
  if pair and pair.failures >= tonumber(free_failures) then
    local doublings = pair.failures - tonumber(free_failures)
    local wait = math.min(tonumber(first_wait) * math.pow(2, doublings), tonumber(longest_wait))
    if pair.age < wait then
      return refused('pair', wait - pair.age)
    end
  end
end
if account and account.failures >= tonumber(account_failures) and not known then
  if not pair then
    write(KEYS[1], 0, now_text, failures_kept)
    return refused('account', tonumber(account_wait))
  end
  if pair.age < tonumber(account_wait) then
    return refused('account', tonumber(account_wait) - pair.age)
  end
end

-- Adds a failure to a window, which begins with its first one.
local function count(key, found)
  if found then
    redis.call('HSET', key, 'failures', string.format('%.0f', found.failures + 1))
    return found.failures + 1
  end
  write(key, 1, now_text, window)
  return 1
end

local of_pair = (pair and pair.failures or 0) + 1
write(KEYS[1], of_pair, now_text, failures_kept)
local of_account = count(KEYS[2], account)
local of_address = has_address and count(KEYS[3], address)
if of_address == tonumber(address_failures) then
  return { 'admitted', 'address' }
elseif of_account == tonumber(account_failures) then
  return { 'admitted', 'account' }
elseif has_address and of_pair == tonumber(free_failures) then
  return { 'admitted', 'pair' }
end
return { 'admitted', '' }
