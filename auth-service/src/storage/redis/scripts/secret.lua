-- A hash as the service writes it: 32 bytes in base64url.
local function is_hash(text)
  return #text == 43 and string.match(text, '^[%w_-]*[AEIMQUYcgkosw048]$')
end

-- Which of the session's secrets this is: 'current', 'previous', or nil. A record that breaks the rules has none.
local function known_as(record, presented)
  local previous = record[PREVIOUS_SECRET] or ''
  if record[MODE] ~= 'session' or not (previous == '' or is_hash(previous)) then
    return nil
  elseif presented == record[SECRET] then
    return 'current'
  elseif presented == previous then
    return 'previous'
  end
end

