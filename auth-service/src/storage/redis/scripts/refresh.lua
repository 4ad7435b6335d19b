-- Carries out `decide_refresh` of domain/session.rs, with the same steps.
-- KEYS: the session.
-- ARGV: as they are taken apart here; times are µs where nothing else is said.
local now, now_seconds, hold_seconds = unpack(ARGV, 1, 3)
-- The presented token. Without a parent, that is ''.
local id, parent, generation, generation_before, issued_at_seconds = unpack(ARGV, 4, 8)
-- What follows when it is granted.
local idle_expiry, kept_for_ms = unpack(ARGV, 9, 10)

-- Numbers are compared as numbers and written as the texts they came as.
local function is_after(current)
  return tonumber(generation) == math.min(tonumber(current.generation) + 1, 4294967295)
end

-- Step 0: nothing to refresh; in mode `session` there never is.
local session = session_at(KEYS[1], tonumber(now))
local record = session.record
if record[MODE] == 'session' and session.state ~= 'damaged' then
  return { record[SECRET] and 'gone' or 'damaged' }
elseif session.state == 'revoked' then
  return { 'revoked', record[REVOKED] }
elseif session.state ~= 'alive' then
  return { session.state }
end

-- Step 1: the store has lost writes.
local current, rolled_back = { id = record[CURRENT], generation = record[GENERATION] }, 'no'
if parent ~= '' and tonumber(generation) > tonumber(current.generation) + 1 then
  current = { id = parent, generation = generation_before }
  rolled_back = 'yes'
end

local rotation
if id == current.id then
  -- Step 2: the current token.
  rotation = 'child'
elseif parent == current.id and is_after(current) then
  if tonumber(now_seconds) - tonumber(issued_at_seconds) <= tonumber(hold_seconds) then
    -- Step 3: a young child.
    rotation = 'same'
  else
    -- Step 4: an older child becomes current.
    current = { id = id, generation = generation }
    rotation = 'child'
  end
else
  -- Step 5: a used token came back. The caller ends the session once the revocation log says so.
  return { 'reuse', record }
end

record[CURRENT], record[GENERATION], record[LAST_SEEN], record[IDLE_EXPIRY] =
  current.id, current.generation, now, idle_expiry
redis.call('HSET', KEYS[1], NAMES[CURRENT], current.id, NAMES[GENERATION], current.generation,
  NAMES[LAST_SEEN], now, NAMES[IDLE_EXPIRY], idle_expiry)
redis.call('PEXPIRE', KEYS[1], kept_for_ms)
return { 'granted', rotation, rolled_back, record }
