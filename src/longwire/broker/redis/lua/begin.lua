-- Learn which runs of Redis this one goes on from without having lost anything.
--
--   KEYS      runs: a hash of lineage (run ids, this one's first), durable, birth
--   ARGV      run, durable (1: nothing written is lost if this run is killed), promoted (1: it
--             was a replica before), birth (a name for this data if it has none)
--   returns   lineage, birth

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
return {lineage, birth}
