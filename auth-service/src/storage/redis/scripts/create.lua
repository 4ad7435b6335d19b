-- Stores a new session, unless the user's epoch is newer than its own by now. Where the user has too many sessions of its
-- kind then, the oldest end; but nothing happens before those have been announced.
-- KEYS: the session, the user's index, the user's epoch, then the sessions in the index, as far as they are known.
-- ARGV: as they are taken apart here, then the fields of the session; times are µs, in the index seconds. `kind` is a mode that is
-- counted apart, or '' for all others. `announced` are the names of sessions that may end, with a space after each.
local epoch, name, index_expiry, forgotten_expiry, session_kept_ms, index_kept_ms = unpack(ARGV, 1, 6)
local now, kind, most, announced = unpack(ARGV, 7, 10)

local function kind_of(mode)
  return mode == 'access_only' and mode or ''
end

local user_epoch = tonumber(redis.call('GET', KEYS[3]) or '0')
if not user_epoch then
  return { 'damaged' }
end
if user_epoch > tonumber(epoch) then
  return { 'stale_epoch' }
end

local answer = { 'created' }
-- Where it exists, an attempt before was carried out although it seemed to fail; what happened since stays.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return answer
end

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', forgotten_expiry)
local names = redis.call('ZRANGE', KEYS[2], 0, -1)
if #names >= tonumber(most) then
  local keys = {}
  for position = 4, #KEYS do
    -- The session's name is the end of its key.
    keys[string.sub(KEYS[position], -22)] = KEYS[position]
  end
  local of_kind = {}
  for _, other in ipairs(names) do
    local key = keys[other]
    if not key then
      return { 'crowded', unpack(names) }
    end
    local session = session_at(key, tonumber(now))
    if session.state == 'alive' and kind_of(session.record[MODE]) == kind then
      local created_at = number(session.record[CREATED_AT]) or 0
      table.insert(of_kind, { key = key, name = other, session = session, created_at = created_at })
    end
  end
  table.sort(of_kind, function(one, other)
    if one.created_at ~= other.created_at then
      return one.created_at < other.created_at
    end
    return one.name < other.name
  end)
  local over = { unpack(of_kind, 1, #of_kind - tonumber(most) + 1) }
  local unannounced = { 'unannounced' }
  for _, ended in ipairs(over) do
    if not string.find(announced, ended.name, 1, true) then
      table.insert(unannounced, ended.name)
    end
  end
  if #unannounced > 1 then
    return unannounced
  end
  for _, ended in ipairs(over) do
    write(ended.key, ended.session, { [REVOKED] = 'superseded' })
    redis.call('ZREM', KEYS[2], ended.name)
    table.insert(answer, ended.name)
  end
end

redis.call('HSET', KEYS[1], unpack(ARGV, 11))
redis.call('PEXPIRE', KEYS[1], session_kept_ms)
redis.call('ZADD', KEYS[2], index_expiry, name)
-- The index lives as long as the session in it that lives longest.
if redis.call('PTTL', KEYS[2]) < tonumber(index_kept_ms) then
  redis.call('PEXPIRE', KEYS[2], index_kept_ms)
end
return answer
