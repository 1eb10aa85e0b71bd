-- Put runs in the place of the pieces that they were folded from.
--
--   ARGV      epoch, settled, whole (1 or 0), then of each run five: the first and the last
--             offset of what it replaces, how many entries that are, its size, the member
--
-- What is not there any more as it was folded stays as it is.

local room = find()
if not room or room.epoch ~= ARGV[MORE] then return 0 end

call('HSET', META, 'run', RUN)  -- refused when the memory is full, so that nothing stops halfway
for at = MORE + 3, #ARGV, 5 do
  local first, last, count, size = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local members = call('ZRANGEBYSCORE', LOG, first, last)
  if #members == count then
    local gone = 0
    for _, member in ipairs(members) do
      local _, _, old = parse(member)
      gone = gone + old
    end
    call('ZREMRANGEBYSCORE', LOG, first, last)
    call('ZADD', LOG, last, ARGV[at + 4])
    room.live = room.live - count + 1
    room.bytes = room.bytes - gone + tonumber(size)
    room.folds = room.folds + 1
  end
end
room.settled = math.max(room.settled, tonumber(ARGV[MORE + 1]))
if ARGV[MORE + 2] == '1' then room.holes = 0 end
save(room)
return 1
