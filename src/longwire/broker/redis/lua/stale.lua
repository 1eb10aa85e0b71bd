-- Take rooms out of the index that nobody has used since.
--
--   KEYS      written, used
--   ARGV      stale_ms, how many at most
--   returns   their names

local names = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, name in ipairs(names) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
end
return names
