-- Record in the index that rooms were written.
--
--   KEYS   written (names, scored by the order of their last write), used (names, by time of use)
--   ARGV   now_ms, ttl_ms, then the names in the order of their writes

local written = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or 0)
for at = 3, #ARGV do
  written = written + 1
  redis.call('ZADD', KEYS[1], written, ARGV[at])
  redis.call('ZADD', KEYS[2], ARGV[1], ARGV[at])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
