-- Remove a room that nobody wrote to or subscribed to since.
--
--   ARGV      stale_ms

local used = tonumber(call('HGET', META, 'used'))
if used and used < tonumber(ARGV[MORE]) then forget() end
