-- KEYS: record, nonce, turn's list, thread's list, due list. ARGV: id, record, expires in ms, time to live in ms.
-- Gives 1 when the record is kept (now or already), 0 when another one is in its place.
local old = redis.call('HGET', KEYS[1], 'record')
if old then return old == ARGV[2] and 1 or 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'state', 'pending', 'by', '', 'expires', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])
for i = 3, 4 do
  redis.call('SADD', KEYS[i], ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
return 1
