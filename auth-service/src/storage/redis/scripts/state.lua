-- What a session is at an instant: 'gone', 'revoked', 'alive', or 'damaged' where it cannot be told.
local function session_at(key, now)
  local field = redis.call('HMGET', key, 'absolute_expiry', 'idle_expiry', 'epoch', 'generation', 'current', 'revoked',
    'mode', 'secret', 'previous_secret', 'last_seen')
  local absolute_expiry, idle_expiry = number(field[1]), number(field[2])
  local session = {
    epoch = number(field[3]),
    current = { generation = field[4], id = field[5] },
    revoked = field[6],
    mode = field[7],
    secret = field[8],
    previous_secret = field[9],
    last_seen = field[10],
  }
  if redis.call('EXISTS', key) == 0 then
    session.state = 'gone'
  elseif not (absolute_expiry and idle_expiry and session.epoch and number(field[4]) and field[5]) then
    session.state = 'damaged'
  elseif now >= math.min(absolute_expiry, idle_expiry) then
    session.state = 'gone'
  elseif session.revoked then
    session.state = 'revoked'
  else
    session.state = 'alive'
  end
  return session
end

