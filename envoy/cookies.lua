-- Takes Latchkey's cookies out of a request. An application behind /auth/verify that had them could be its users anywhere.

local LATCHKEY = { lk_at = true, lk_rt = true, lk_sid = true, lk_csrf = true }

local function is_latchkeys(cookie)
  local name = cookie:match("^([^=]*)")
  return LATCHKEY[name:gsub("^__%a+%-", "")] == true
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local sent = headers:get("cookie")
  if sent == nil then
    return
  end
  local kept = {}
  for cookie in sent:gmatch("[^;,%s][^;,]*") do
    cookie = cookie:gsub("%s+$", "")
    if not is_latchkeys(cookie) then
      table.insert(kept, cookie)
    end
  end
  headers:remove("cookie")
  if #kept > 0 then
    headers:add("cookie", table.concat(kept, "; "))
  end
end
