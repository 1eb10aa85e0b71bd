-- Mark a room as used, because a node subscribes to it; create it if it does not exist.
--
--   returns   epoch, end

local room = find_or_create()
drop_old(room)
room.used = NOW
save(room)
return {room.epoch, room['end']}
