-- Read a page of a room's log.
--
--   ARGV      with_text (1 or 0), since_epoch, since_offset ('' without a position), after ('' for
--             the first page), max_entries, max_bytes
--   returns   nil if the room does not exist, otherwise epoch, end, trimmed, folds, 1 if the
--             position can be recovered, 1 if there are more entries, and the members

local WITH_TEXT, SINCE_EPOCH = ARGV[MORE] == '1', ARGV[MORE + 1]
local SINCE, AFTER = tonumber(ARGV[MORE + 2]), tonumber(ARGV[MORE + 3])
local COUNT, BYTES = tonumber(ARGV[MORE + 4]), tonumber(ARGV[MORE + 5])
local STEP = 64

local room = find()
if not room then return nil end

local recovered = SINCE ~= nil and SINCE_EPOCH == room.epoch
  and room.trimmed <= SINCE and SINCE <= room['end']
local after = AFTER or (recovered and SINCE) or 0
local members, size, more = {}, 0, 0
while #members < COUNT and size < BYTES do
  local step = call('ZRANGEBYSCORE', LOG, '(' .. after, '+inf', 'LIMIT', 0, STEP)
  for _, member in ipairs(step) do
    if WITH_TEXT or not string.find(member, '^%d+ %d+ %d+ %-2 ') then
      members[#members + 1] = member
      size = size + #member
    end
  end
  more = 0
  if #step < STEP then break end
  after = parse(step[#step])
  if after < room['end'] then more = 1 end
end
return {room.epoch, room['end'], room.trimmed, room.folds, recovered and 1 or 0, more, members}
