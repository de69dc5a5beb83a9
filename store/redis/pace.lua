-- KEYS: the slot list's end. ARGV: interval in microseconds, burst.
-- The key holds when the bucket is full again. Numbers this large lose digits in tostring, hence string.format.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local every, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + every
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000) + 1000))
return math.max(0, full - burst * every - now)
