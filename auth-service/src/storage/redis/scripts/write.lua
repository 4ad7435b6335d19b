-- Writes fields of a session, given by their positions; its record has them from now on.
local function write(key, session, contents)
  local arguments = {}
  for position, content in pairs(contents) do
    session.record[position] = content
    table.insert(arguments, NAMES[position])
    table.insert(arguments, content)
  end
  redis.call('HSET', key, unpack(arguments))
end

