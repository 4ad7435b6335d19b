-- Names the sessions of the index.
-- KEYS: the user's index.
local sessions = redis.call('ZRANGE', KEYS[1], 0, -1)
table.insert(sessions, 1, 'sessions')
return sessions
