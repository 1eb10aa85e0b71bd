-- Determine from which earlier runs of Redis the current one has all data ("lineage").
--
--   KEYS      runs: a hash of lineage (run ids, the current one first), durable, birth
--   ARGV      run, durable (1 if a killed process loses no write), promoted (1 if it was a replica
--             before), birth (an id for the data set, used if it has none)
--   returns   lineage
--
-- A log keeps its epoch while the run that last used it is in the lineage (room.lua). If the
-- previous run was durable, it is; otherwise, or after a failover, the newest entries may be lost.
-- `birth` is lost when the data is flushed, which is how nodes notice a flush.

local RUN, DURABLE, PROMOTED = ARGV[1], ARGV[2], ARGV[3]
local MAX_RUNS = 50

local stored = redis.call('HMGET', KEYS[1], 'lineage', 'durable', 'birth')
local lineage, durable, birth = stored[1] or '', stored[2], stored[3] or ARGV[4]
if string.match(lineage, '^%S+') == RUN then
  if DURABLE == '0' then durable = '0' end
else
  local runs = {RUN}
  if durable == '1' and PROMOTED == '0' then
    for run in string.gmatch(lineage, '%S+') do
      if #runs < MAX_RUNS then runs[#runs + 1] = run end
    end
  end
  lineage = table.concat(runs, ' ')
  durable = DURABLE
end
redis.call('HSET', KEYS[1], 'lineage', lineage, 'durable', durable, 'birth', birth)
return lineage
