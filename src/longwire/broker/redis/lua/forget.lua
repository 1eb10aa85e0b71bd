-- Delete a room, unless it was written or subscribed to in the meantime.
--
--   ARGV      stale_ms

local used = tonumber(call('HGET', META, 'used'))
if used and used < tonumber(ARGV[MORE]) then forget() end
