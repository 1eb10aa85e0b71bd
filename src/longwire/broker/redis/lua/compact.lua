-- Replace text pieces by the joined entries that a node has made of them.
--
--   ARGV      epoch, settled (the last offset that was read), whole (1 if the whole log was read),
--             then five per joined entry: the first and the last offset that it replaces, how many
--             entries these are, its size, its member
--
-- The log may have changed since it was read. Offsets are never reused, so a range that still has
-- the same number of entries has the same entries; any other range is left as it is.

local room = find()
if not room or room.epoch ~= ARGV[MORE] then return 0 end

call('HSET', META, 'run', RUN)  -- fails first if Redis is out of memory; see find_or_create
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
