-- KEYS: record, due list. ARGV: id, the state wanted or '', the click that wants it.
-- Gives state, click, expiry in ms and the record as they are afterwards; nothing when there is no record.
local f = redis.call('HMGET', KEYS[1], 'state', 'by', 'expires', 'record')
local state, by, expires, record = f[1], f[2], f[3], f[4]
if not (state and by and record and expires and tonumber(expires)) then
  return (state or by or record) and {'damaged'} or false
end
local want, click = ARGV[2], ARGV[3]
local t = redis.call('TIME')
if state == 'pending' and t[1] * 1000 + math.floor(t[2] / 1000) >= tonumber(expires) then
  state = 'expired'
  redis.call('HSET', KEYS[1], 'state', state)
end
if state == 'pending' and want ~= '' then
  state, by = want, click
end
-- Written also when it was so before: WAIT counts replicas from this connection's last write, and a repeated take
-- must be known to have reached one.
if want ~= '' and state == want and by == click then
  redis.call('HSET', KEYS[1], 'state', state, 'by', by)
  if state ~= 'expired' then redis.call('ZREM', KEYS[2], ARGV[1]) end
end
return {state, by, expires, record}
