-- Append drafts to a room and ring its bell, in one piece.
--
--   ARGV      channel, max_ids, window_ms, settle_after, then of each draft six:
--             kind ('state', 'text' or ''), slot, size, id, fingerprint, body
--   returns   epoch, where to begin folding (-1: nowhere), and of each draft its offset, which is
--             -1 if its id was used for another event
--
-- The bell: "<epoch> <first> <now_ms> <length> <length> …\n", and the bodies one after another.

local CHANNEL, MAX_IDS = ARGV[MORE], tonumber(ARGV[MORE + 1])
local WINDOW, SETTLE_AFTER = tonumber(ARGV[MORE + 2]), tonumber(ARGV[MORE + 3])

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

-- The offset of an id that was used before, -1 if it was for another event, nil if it is new.
local function known(id, fingerprint)
  local receipt = call('HGET', IDS, id)
  if not receipt then return nil end
  local offset, from = string.match(receipt, '^(%d+) %d+ ()')
  if string.sub(receipt, from) ~= fingerprint then return -1 end
  return tonumber(offset)
end

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
  keep_bounds(room)
  return offset
end

-- Where to begin folding, if it is time to. Everything is folded again once half of what was
-- settled is gone.
local function fold_from(room)
  if room.loose < SETTLE_AFTER then return -1 end
  room.loose = 0
  if room.holes * 2 >= room.live then return 0 end
  return room.settled
end

local room = find_or_make()
local first = room['end'] + 1
local offsets, lengths, bodies = {}, {}, {}
local checked = false
for at = MORE + 4, #ARGV, 6 do
  local id, fingerprint, body = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local offset = nil
  if id ~= '' then
    if not checked then forget_ids() end
    checked = true
    offset = known(id, fingerprint)
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
local from = fold_from(room)
save(room)
if #bodies > 0 then
  call('PUBLISH', CHANNEL, room.epoch .. ' ' .. first .. ' ' .. NOW .. ' '
    .. table.concat(lengths, ' ') .. '\n' .. table.concat(bodies))
end
return {room.epoch, from, offsets}
