-- Keep a room that somebody subscribes to, and bring it into being if there is none.
--
--   returns   epoch, end

local room = find_or_make()
drop_old(room)
room.used = NOW
save(room)
return {room.epoch, room['end']}
