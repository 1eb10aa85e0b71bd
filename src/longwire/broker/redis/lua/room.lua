-- What the scripts of one room share. All keys of a room carry one hash tag.
--
--   KEYS   meta, log, slots, ids, order
--   ARGV   lineage, fresh, now_ms, ttl_ms, max_age_ms, max_entries, max_bytes
--
-- meta   a hash: the numbers below, the epoch, and the run of Redis that it was used under last
-- log    the retained entries, a sorted set by offset; a member is
--        "<offset> <timestamp_ms> <size> <length> <slot><body>", where slot and its length stand
--        for entries of a Latest slot, which are state; for streamed text the length is -2, for
--        all others -1
-- slots  of each Latest slot, its newest entry: "<offset> <size>"
-- ids    of each publish id, "<offset> <expires_ms> <fingerprint>"
-- order  the publish ids, the oldest first
--
-- Bounds mean what they mean in longwire.log.room_log: state is dropped last, and what lies at or
-- before `head` and is still there was passed over (`aside`).

local META, LOG, SLOTS, IDS, ORDER = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local LINEAGE, FRESH, NOW, TTL = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local MAX_AGE, MAX_ENTRIES, MAX_BYTES = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local RUN = string.match(LINEAGE, '^%S+')
local MORE = 8  -- the first argument of the script's own

local MAX_ASIDE, MAX_ASIDE_BYTES = 4096, 1048576
local AGE_INTERVAL = 60000

local NUMBERS = {
  'end', 'trimmed', 'head', 'bytes', 'live', 'states', 'aside', 'aside_bytes',
  'settled', 'holes', 'loose', 'folds', 'aged', 'used', 'newest_is_state'
}

local call = redis.call

local function forget()
  call('DEL', META, LOG, SLOTS, IDS, ORDER)
end

-- The room, or nil if there is none. A log of which Redis has evicted a part is none.
local function find()
  local values = call('HMGET', META, 'epoch', 'run', unpack(NUMBERS))
  if not values[1] then return nil end
  local room = {epoch = values[1]}
  for index, name in ipairs(NUMBERS) do room[name] = tonumber(values[index + 2]) end
  if room.live ~= call('ZCARD', LOG) or room.states ~= call('HLEN', SLOTS) then
    forget()
    return nil
  end
  if values[2] ~= RUN then
    if not string.find(LINEAGE, values[2], 1, true) then room.epoch = FRESH end
    call('HSET', META, 'epoch', room.epoch, 'run', RUN)
  end
  return room
end

-- The room, made if there is none. The first write is one that Redis refuses when its memory is
-- full, so that no script stops halfway.
local function find_or_make()
  local room = find()
  if room then
    call('HSET', META, 'run', RUN)
    return room
  end
  call('HSET', META, 'epoch', FRESH, 'run', RUN)
  call('DEL', LOG, SLOTS, IDS, ORDER)
  room = {epoch = FRESH}
  for _, name in ipairs(NUMBERS) do room[name] = 0 end
  room.aged = NOW
  return room
end

local function save(room)
  local fields = {}
  for _, name in ipairs(NUMBERS) do
    fields[#fields + 1] = name
    fields[#fields + 1] = room[name]
  end
  call('HSET', META, unpack(fields))
  for _, key in ipairs(KEYS) do call('PEXPIRE', key, TTL) end
end

-- Offset, timestamp, size, and the slot of state, of a member.
local function parse(member)
  local offset, timestamp, size, length, from =
    string.match(member, '^(%d+) (%d+) (%d+) (%-?%d+) ()')
  local slot = nil
  length = tonumber(length)
  if length >= 0 then slot = string.sub(member, from, from + length - 1) end
  return tonumber(offset), tonumber(timestamp), tonumber(size), slot
end

local function remove(room, offset, size)
  call('ZREMRANGEBYSCORE', LOG, offset, offset)
  room.live = room.live - 1
  room.bytes = room.bytes - size
end

local function drop(room, offset, size)
  remove(room, offset, size)
  room.trimmed = math.max(room.trimmed, offset)
end

-- Drop the oldest entry, which is state.
local function drop_state(room)
  local offset, _, size, slot = parse(call('ZRANGE', LOG, 0, 0)[1])
  drop(room, offset, size)
  call('HDEL', SLOTS, slot)
  room.states = room.states - 1
  if offset <= room.head then
    room.aside = room.aside - 1
    room.aside_bytes = room.aside_bytes - size
  else
    room.head = offset
  end
end

-- How many retained entries are neither state nor the newest.
local function droppable(room)
  return room.live - room.states - (1 - room.newest_is_state)
end

local function after_head(room)
  return call('ZRANGEBYSCORE', LOG, '(' .. room.head, '+inf', 'LIMIT', 0, 1)[1]
end

-- Step over the oldest entry: state is set aside, anything else is dropped (true).
local function pass_head(room, member)
  local offset, _, size, slot = parse(member)
  room.head = offset
  if not slot then
    drop(room, offset, size)
    return true
  end
  room.aside = room.aside + 1
  room.aside_bytes = room.aside_bytes + size
  while room.aside > MAX_ASIDE or room.aside_bytes > MAX_ASIDE_BYTES do drop_state(room) end
  return false
end

local function keep_bounds(room)
  while (room.bytes > MAX_BYTES or room.live > MAX_ENTRIES) and room.live > 1 do
    if droppable(room) > 0 then
      repeat until pass_head(room, after_head(room))
    else
      drop_state(room)
    end
  end
end

local function drop_old(room)
  if NOW - room.aged < AGE_INTERVAL then return end
  room.aged = NOW
  while droppable(room) > 0 do
    local member = after_head(room)
    local _, timestamp = parse(member)
    if timestamp >= NOW - MAX_AGE then return end
    pass_head(room, member)
  end
end
