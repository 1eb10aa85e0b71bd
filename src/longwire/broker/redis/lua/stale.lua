-- Remove rooms from the index that have not been used recently.
--
--   KEYS      written, used
--   ARGV      stale_ms, the maximum number of rooms
--   returns   their names

local names = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, name in ipairs(names) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
end
return names
