-- SPDX-License-Identifier: MIT
--
-- wrk, with requests that are prepared beforehand: the file BENCH_REQUESTS holds `LENGTH\n` and so many bytes, again and
-- again. One request is sent as wrk's own fixed one, which costs no Lua at all; of several, request() only picks the next.
-- done() prints one line of JSON.

local requests = {}
local count, at = 0, 0

local function read_requests(path)
  local file = assert(io.open(path, "rb"))
  local data = file:read("*a")
  file:close()
  local from = 1
  while from <= #data do
    local stop = data:find("\n", from, true)
    local length = tonumber(data:sub(from, stop - 1))
    count = count + 1
    requests[count] = data:sub(stop + 1, stop + length)
    from = stop + length + 1
  end
end

local function next_request()
  at = at + 1
  if at > count then at = 1 end
  return requests[at]
end

function init()
  read_requests(os.getenv("BENCH_REQUESTS"))
  if count == 1 then
    wrk.format = function() return requests[1] end
  else
    request = next_request
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nBENCH {"requests":%d,"seconds":%.6f,"bytes":%d,"bad_status":%d,"socket_errors":%d,"timeouts":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, e.status, e.connect + e.read + e.write, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
