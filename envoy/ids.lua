-- One id and one trace a request, in the log line, in the answer and for the service, as nginx/http/request-id.conf and
-- nginx/http/trace.conf have it; and which requests may be sent twice.

local REPEATABLE = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true }

local function is_request_id(id)
  return id ~= nil and #id <= 64 and id:find("^[A-Za-z0-9._-]+$") ~= nil
end

-- The trace id of a well-formed traceparent (W3C Trace Context). Version 00, or as much of it as a later version has kept; ff
-- is none, and ids are never all zero.
local function trace_of(traceparent)
  if traceparent == nil then
    return nil
  end
  local version, trace, span, rest = traceparent:match("^([0-9a-f][0-9a-f])%-([0-9a-f]+)%-([0-9a-f]+)%-[0-9a-f][0-9a-f](.*)$")
  if version == nil or version == "ff" or #trace ~= 32 or #span ~= 16 then
    return nil
  end
  if not trace:find("[^0]") or not span:find("[^0]") then
    return nil
  end
  if rest ~= "" and (version == "00" or #rest > 201 or not rest:find("^%-[!-~]*$")) then
    return nil
  end
  return trace
end

function envoy_on_request(handle)
  local headers = handle:headers()
  -- Envoy's, without its hyphens 32 digits.
  local fresh = headers:get("x-request-id"):gsub("-", "")
  local claimed = headers:get("x-latchkey-client-request-id")
  headers:remove("x-latchkey-client-request-id")
  headers:replace("x-request-id", is_request_id(claimed) and claimed or fresh)

  local trace = trace_of(headers:get("traceparent"))
  if trace == nil then
    trace = fresh
    -- The span id is half of the trace id.
    headers:replace("traceparent", "00-" .. fresh .. "-" .. fresh:sub(1, 16) .. "-01")
    -- It belonged to the traceparent beside it.
    headers:remove("tracestate")
  end
  handle:streamInfo():dynamicMetadata():set("latchkey", "trace_id", trace)

  if REPEATABLE[headers:get(":method")] then
    headers:replace("x-envoy-retry-on", "reset")
  end
end
