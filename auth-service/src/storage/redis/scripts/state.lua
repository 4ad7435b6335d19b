-- What a session is at an instant: 'gone', 'revoked', 'alive', or 'damaged' where it cannot be told. In its record are the
-- contents of all fields, false where there is no such field.
local function session_at(key, now)
  local record = redis.call('HMGET', key, unpack(NAMES))
  local session = { record = record, epoch = number(record[EPOCH] or '0') }
  local absolute_expiry, idle_expiry = number(record[ABSOLUTE_EXPIRY]), number(record[IDLE_EXPIRY])
  if not (absolute_expiry and idle_expiry and session.epoch and number(record[GENERATION]) and record[CURRENT]) then
    session.state = redis.call('EXISTS', key) == 1 and 'damaged' or 'gone'
  elseif now >= math.min(absolute_expiry, idle_expiry) then
    session.state = 'gone'
  elseif record[REVOKED] then
    session.state = 'revoked'
  else
    session.state = 'alive'
  end
  return session
end

