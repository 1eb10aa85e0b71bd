-- Read the newest entry of a slot of state.
--
--   ARGV      slot
--   returns   nil if the room does not exist, otherwise epoch and, if there is one, the member

local room = find()
if not room then return nil end
local found = call('HGET', SLOTS, ARGV[MORE])
if not found then return {room.epoch} end
local offset = string.match(found, '^%d+')
return {room.epoch, call('ZRANGEBYSCORE', LOG, offset, offset)[1]}
