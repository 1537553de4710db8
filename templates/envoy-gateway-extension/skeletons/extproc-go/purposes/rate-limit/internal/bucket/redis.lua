-- Takes from buckets in one step: all demands or none, or, for "charge", all.
-- KEYS: the buckets. ARGV: "take" or "charge", then quota, window in milliseconds and units of each.
-- A bucket is a hash of its level, see bucket.go, and the time of it. All numbers stay below 2^53, so that Lua's
-- floating-point numbers are exact. What is full again expires.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local levels, granted = {}, 1

for i, key in ipairs(KEYS) do
  local quota, window, units = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local bucket = redis.call('HMGET', key, 'level', 'at')
  local passed = math.min(math.max(now - (tonumber(bucket[2]) or now), 0), 2 * window)
  levels[i] = math.max((tonumber(bucket[1]) or 0) - passed * quota, 0)
  if levels[i] + units * window > quota * window then
    granted = 0
  end
end

if granted == 1 or ARGV[1] == 'charge' then
  for i, key in ipairs(KEYS) do
    local quota, window, units = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
    levels[i] = math.min(levels[i] + units * window, 2 * quota * window)
    redis.call('HSET', key, 'level', string.format('%.0f', levels[i]), 'at', string.format('%.0f', now))
    redis.call('PEXPIRE', key, math.floor(levels[i] / quota) + 1)
  end
end

table.insert(levels, 1, granted)
return levels
