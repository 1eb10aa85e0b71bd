-- Append drafts to a room and publish the notification, atomically: an entry that any node receives
-- is in the log, and notifications are published in the order of the offsets.
--
--   ARGV      channel, max_ids, window_ms, compact_after, then seven per draft:
--             kind ('state', 'text' or ''), slot, size, id, fingerprint,
--             condition ('' or "action attempt expected prefix", see `encode_condition`), body
--   returns   epoch, the offset from which to compact (-1: not now), and the offset of each draft,
--             -1 if its id was used for a different event, or why its condition did not hold:
--             {'stale', attempt}, {'ended'}, {'conflict', newest entry if there is one}
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

-- Return the newest entry of the event and slot of a draft, as a member of LOG, or nil. The bodies
-- of entries that are not state begin with `prefix` if they have this event and slot.
local function find_newest(room, kind, slot, prefix)
  if kind == 'state' then
    local found = call('HGET', SLOTS, slot)
    if not found then return nil end
    local offset = string.match(found, '^%d+')
    return call('ZRANGEBYSCORE', LOG, offset, offset)[1]
  end
  for start = 0, room.live - 1, 100 do
    for _, member in ipairs(call('ZREVRANGE', LOG, start, start + 99)) do
      local length, from = string.match(member, '^%d+ %d+ %d+ (%-?%d+) ()')
      if tonumber(length) < 0 and string.sub(member, from, from + #prefix - 1) == prefix then
        return member
      end
    end
  end
  return nil
end

-- Return why an append with this fence is refused, or nil and the attempt after it: number,
-- claimed, ended. The rules are those of `longwire.log.condition.check_fence`; a property test
-- compares the two.
local function check_fence(room, action, attempt)
  local number, claimed, ended = room.attempt, room.claimed, room.ended
  if action == 'create' or action == 'claim' then
    if number ~= 0 and attempt ~= number + 1 then
      if action == 'create' or attempt ~= number or claimed == 1 then return {'stale', number} end
      if ended == 1 then return {'ended'} end
    end
    return nil, attempt, action == 'claim' and 1 or 0, 0
  end
  if action == 'end' and attempt == 0 then return nil, number, claimed, 1 end
  if attempt < number then return {'stale', number} end
  if attempt == number and ended == 1 then return {'ended'} end
  if action == 'withdraw' then
    if claimed == 1 or attempt ~= number then return {'stale', number} end
    return nil, number, 0, 1
  end
  return nil, attempt, 1, action == 'end' and 1 or 0
end

-- Return why a draft is refused, or nil after recording the attempt that it belongs to.
local function check(room, condition, kind, slot)
  local action, attempt, expect, prefix =
    string.match(condition, '^(%a+) (%d+) (%S+) (.*)$')
  local refusal, number, claimed, ended = nil, room.attempt, room.claimed, room.ended
  if action ~= 'none' then
    refusal, number, claimed, ended = check_fence(room, action, tonumber(attempt))
    if refusal then return refusal end
  end
  if expect ~= '*' then
    local newest = find_newest(room, kind, slot, prefix)
    local found = '-'
    if newest then found = room.epoch .. ':' .. string.match(newest, '^%d+') end
    if found ~= expect then return {'conflict', newest} end
  end
  room.attempt, room.claimed, room.ended = number, claimed, ended
  return nil
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
for at = MORE + 4, #ARGV, 7 do
  local id, fingerprint, condition, body = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
  local offset = nil
  if id ~= '' then
    if not expired then forget_ids() end
    expired = true
    offset = find_id(id, fingerprint)
  end
  if not offset and condition ~= '' then
    offset = check(room, condition, ARGV[at], ARGV[at + 1])
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
