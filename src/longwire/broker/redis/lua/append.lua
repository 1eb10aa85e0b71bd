-- Append drafts to a room and publish the notification, atomically: an entry that any node receives
-- is in the log, and notifications are published in the order of the offsets.
--
--   ARGV      channel, max_ids, window_ms, compact_after, then six per draft:
--             kind ('state', 'text' or ''), slot, size, id, fingerprint, body
--   returns   epoch, the offset from which to compact (-1: not now), and the offset of each draft,
--             -1 if its id was used for a different event
--
-- The notification: "<epoch> <first> <now_ms> <length> <length> …\n", then the bodies without
-- separators. Drafts that repeat an earlier publish are not in it.

local CHANNEL, MAX_IDS = ARGV[MORE], tonumber(ARGV[MORE + 1])
local WINDOW, COMPACT_AFTER = tonumber(ARGV[MORE + 2]), tonumber(ARGV[MORE + 3])

-- Forget expired ids, and the oldest ones beyond MAX_IDS.
local function forget_ids()
  while true do
    local oldest = call('LINDEX', ORDER, 0)
    if not oldest then return end
    local expires = string.match(call('HGET', IDS, oldest) or '0 0', '^%d+ (%d+)')
    if tonumber(expires) > NOW and call('LLEN', ORDER) <= MAX_IDS then return end
    call('LPOP', ORDER)
    call('HDEL', IDS, oldest)
  end
end

local function remember(id, offset, fingerprint)
  call('HSET', IDS, id, offset .. ' ' .. (NOW + WINDOW) .. ' ' .. fingerprint)
  call('RPUSH', ORDER, id)
  if call('LLEN', ORDER) > MAX_IDS then forget_ids() end
end

-- Return the offset of an id that was used before, -1 if for a different event, nil if it is new.
local function find_id(id, fingerprint)
  local receipt = call('HGET', IDS, id)
  if not receipt then return nil end
  local offset, from = string.match(receipt, '^(%d+) %d+ ()')
  if string.sub(receipt, from) ~= fingerprint then return -1 end
  return tonumber(offset)
end

-- Remove the entry that a new one in the same Latest slot replaces.
local function supersede(room, slot)
  local older = call('HGET', SLOTS, slot)
  if not older then
    room.states = room.states + 1
    return
  end
  local offset, size = string.match(older, '^(%d+) (%d+)')
  offset, size = tonumber(offset), tonumber(size)
  remove(room, offset, size)
  if offset <= room.head then
    room.aside = room.aside - 1
    room.aside_bytes = room.aside_bytes - size
    return
  end
  if offset <= room.settled then
    room.holes = room.holes + 1
    room.loose = room.loose + 1
  end
end

local function append(room, kind, slot, size, body)
  local offset = room['end'] + 1
  local length = -1
  room['end'] = offset
  room.newest_is_state = 0
  if kind == 'state' then
    supersede(room, slot)
    call('HSET', SLOTS, slot, offset .. ' ' .. size)
    room.newest_is_state = 1
    length = #slot
  else
    slot = ''
    if kind == 'text' then
      room.loose = room.loose + 1
      length = -2
    end
  end
  call('ZADD', LOG, offset,
    offset .. ' ' .. NOW .. ' ' .. size .. ' ' .. length .. ' ' .. slot .. body)
  room.live = room.live + 1
  room.bytes = room.bytes + size
  enforce_bounds(room)
  return offset
end

-- Return the offset from which to compact, or -1. It is 0, for the whole log, once half of the
-- compacted part is gone, so that compaction costs a constant time per append (see `RoomLog`).
local function compact_from(room)
  if room.loose < COMPACT_AFTER then return -1 end
  room.loose = 0
  if room.holes * 2 >= room.live then return 0 end
  return room.settled
end

local room = find_or_create()
local first = room['end'] + 1
local offsets, lengths, bodies = {}, {}, {}
local expired = false  -- whether forget_ids has run
for at = MORE + 4, #ARGV, 6 do
  local id, fingerprint, body = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local offset = nil
  if id ~= '' then
    if not expired then forget_ids() end
    expired = true
    offset = find_id(id, fingerprint)
  end
  if not offset then
    offset = append(room, ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), body)
    if id ~= '' then remember(id, offset, fingerprint) end
    lengths[#lengths + 1] = #body
    bodies[#bodies + 1] = body
  end
  offsets[#offsets + 1] = offset
end
drop_old(room)
room.used = NOW
local from = compact_from(room)
save(room)
if #bodies > 0 then
  call('PUBLISH', CHANNEL, room.epoch .. ' ' .. first .. ' ' .. NOW .. ' '
    .. table.concat(lengths, ' ') .. '\n' .. table.concat(bodies))
end
return {room.epoch, from, offsets}
