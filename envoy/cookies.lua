-- Takes Latchkey's cookies out of a request, as nginx/http/cookies.conf does. Whoever sees the session's secret or the refresh
-- token could be its users anywhere, so that no service gets them; an application gets none of the four. What a front end of
-- their own has set they all get.

local OF_AUTH_SERVICE = { lk_sid = true, lk_rt = true }
local OF_THE_LOGIN = { lk_sid = true, lk_rt = true, lk_at = true, lk_csrf = true }

local function name_of(cookie)
  return (cookie:match("^%s*([^=]-)%s*=") or ""):gsub("^__%a+%-", "")
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local count = headers:getNumValues("cookie")
  if count == 0 then
    return
  end
  local hidden = OF_THE_LOGIN
  if handle:filterContext():get("shown_to") == "a service" then
    hidden = OF_AUTH_SERVICE
  end
  local kept = {}
  for line = 0, count - 1 do
    for cookie in headers:getAtIndex("cookie", line):gmatch("[^;]+") do
      local trimmed = cookie:match("^%s*(.-)%s*$")
      if trimmed ~= "" and not hidden[name_of(trimmed)] then
        table.insert(kept, trimmed)
      end
    end
  end
  headers:remove("cookie")
  if #kept > 0 then
    headers:add("cookie", table.concat(kept, "; "))
  end
end
