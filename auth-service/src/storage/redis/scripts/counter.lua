-- A counter of the throttle, `nil` where there is none that still counts, `false` where it cannot be understood.
local function counter(key, kept, now, most_ahead)
  local field = redis.call('HMGET', key, 'failures', 'since')
  if not field[1] and not field[2] then
    return nil
  end
  local failures, since = number(field[1]), number(field[2])
  if not (failures and since) then
    return false
  end
  local age = math.max(0, now - since)
  if age >= kept or since > now + tonumber(most_ahead) then
    return nil
  end
  return { failures = failures, age = age }
end

