-- A whole number as the service writes it. `tonumber` alone would also take 0x10, 1e5 and nan.
local function number(text)
  return text and string.match(text, '^%-?%d+$') and tonumber(text)
end

