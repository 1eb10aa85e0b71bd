-- Functions shared by the scripts of one room; it is loaded in front of each of them.
--
--   KEYS   meta, log, slots, ids, order
--   ARGV   lineage, fresh, now_ms, ttl_ms, max_age_ms, max_entries, max_bytes
--
-- meta   a hash: the numbers below, the epoch, and the run of Redis that last used the room
-- log    a sorted set of the retained entries by offset. A member is
--        "<offset> <timestamp_ms> <size> <length> <slot><body>". For an entry of a Latest slot
--        (state), `length` is that of the slot; otherwise the slot is empty, and the length is -2
--        for streamed text and -1 for anything else.
-- slots  a hash: for each Latest slot, its newest entry as "<offset> <size>"
-- ids    a hash: for each publish id, "<offset> <expires_ms> <fingerprint>"
-- order  a list of the publish ids, oldest first
--
-- The numbers in `meta` have the same meaning as the attributes of longwire.log.RoomLog:
--
-- end, trimmed        the newest offset; the highest offset that retention has dropped
-- live, bytes         the number and the size of the retained entries
-- states              how many of them are state
-- head                retention has passed every entry up to this offset
-- aside, aside_bytes  pinned state: the number and the size of the entries up to `head`
-- settled             every entry up to this offset has been compacted
-- holes               how many of the compacted entries have been superseded since
-- loose               text pieces appended, and compacted entries superseded, since the last
--                     compaction
-- folds               how many times entries were replaced by a joined one
-- aged, used          when old entries were last dropped; when the room was last used
-- newest_is_state     1 if the newest entry is state

local META, LOG, SLOTS, IDS, ORDER = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local LINEAGE, FRESH, NOW, TTL = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local MAX_AGE, MAX_ENTRIES, MAX_BYTES = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local RUN = string.match(LINEAGE, '^%S+')
local MORE = 8  -- the index of the first argument specific to the script

local MAX_ASIDE, MAX_ASIDE_BYTES = 4096, 1048576
local AGE_INTERVAL = 60000

local NUMBERS = {
  'end', 'trimmed', 'head', 'bytes', 'live', 'states', 'aside', 'aside_bytes',
  'settled', 'holes', 'loose', 'folds', 'aged', 'used', 'newest_is_state',
  'attempt', 'claimed', 'ended'
}

local call = redis.call

local function forget()
  call('DEL', META, LOG, SLOTS, IDS, ORDER)
end

-- Return the room, or nil if it does not exist. If Redis has evicted one of its keys, the rest is
-- deleted. If Redis may have lost entries since the room was last used, it gets a new epoch.
local function find()
  local values = call('HMGET', META, 'epoch', 'run', unpack(NUMBERS))
  if not values[1] then return nil end
  local room = {epoch = values[1]}
  for index, name in ipairs(NUMBERS) do room[name] = tonumber(values[index + 2] or 0) end
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

-- Return the room, and create it if it does not exist. Redis enforces its memory limit only until
-- a script has written something, so with this HSET a script fails before it has any effect.
local function find_or_create()
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

-- Return the offset, the timestamp, the size, and for state the slot, of a member.
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

-- Drop the oldest entry, which must be state.
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

-- Return how many retained entries are neither state nor the newest entry.
local function droppable_count(room)
  return room.live - room.states - (1 - room.newest_is_state)
end

local function after_head(room)
  return call('ZRANGEBYSCORE', LOG, '(' .. room.head, '+inf', 'LIMIT', 0, 1)[1]
end

-- Advance the head over an entry: pin it if it is state, or drop it and return true.
local function advance_head(room, member)
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

-- Drop entries until the log is within its bounds.
local function enforce_bounds(room)
  while (room.bytes > MAX_BYTES or room.live > MAX_ENTRIES) and room.live > 1 do
    if droppable_count(room) > 0 then
      repeat until advance_head(room, after_head(room))
    else
      drop_state(room)
    end
  end
end

-- Drop entries older than MAX_AGE, at most once per AGE_INTERVAL.
local function drop_old(room)
  if NOW - room.aged < AGE_INTERVAL then return end
  room.aged = NOW
  while droppable_count(room) > 0 do
    local member = after_head(room)
    local _, timestamp = parse(member)
    if timestamp >= NOW - MAX_AGE then return end
    advance_head(room, member)
  end
end
