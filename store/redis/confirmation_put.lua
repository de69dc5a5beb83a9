-- KEYS: record, nonce, turn's list, thread's list, due list.
-- ARGV: id, record, expires in ms, time to live in ms, digest, nonce's hash, what a nonce's key begins with.
-- Gives 1 when the record is kept (now or already), 0 when another one is in its place.
local other = redis.call('GET', KEYS[2])
if other and other ~= ARGV[1] then return 0 end
local old = redis.call('HMGET', KEYS[1], 'digest', 'nonce')
if old[1] and old[1] ~= ARGV[5] then return 0 end
if old[1] then
  if old[2] ~= ARGV[6] then redis.call('DEL', ARGV[7] .. old[2]) end
  redis.call('HSET', KEYS[1], 'record', ARGV[2], 'nonce', ARGV[6])
  redis.call('SET', KEYS[2], ARGV[1], 'PX', math.max(1, redis.call('PTTL', KEYS[1])))
  return 1
end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'digest', ARGV[5], 'nonce', ARGV[6], 'state', 'pending', 'by', '', 'expires', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])
for i = 3, 4 do
  redis.call('SADD', KEYS[i], ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
return 1
