-- KEYS: the list. ARGV: entry, most entries, most bytes, time to live in ms.
-- Appends, then drops the oldest until both limits hold; the entry itself always fits.
redis.call('RPUSH', KEYS[1], ARGV[1])
local list = redis.call('LRANGE', KEYS[1], 0, -1)
local keep, bytes = 0, 0
for i = #list, 1, -1 do
  bytes = bytes + #list[i]
  if keep >= tonumber(ARGV[2]) or bytes > tonumber(ARGV[3]) then break end
  keep = keep + 1
end
if keep < #list then redis.call('LTRIM', KEYS[1], -keep, -1) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return keep
