-- A number's pace. Fields: next (µs: the first slot not yet leased), rate (slots a second after the last slowing, as a
-- share of the limit), since (µs: when it was slowed). All by the clock of Redis, which all workers share.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local state = redis.call('HMGET', KEYS[1], 'next', 'rate', 'since')
local next = tonumber(state[1])
local share, since = tonumber(state[2]) or 1, tonumber(state[3]) or 0
local limit = tonumber(ARGV[2])

local function current(climb)
  return math.min(1, share + climb * math.max(0, now - since) / 1000000)
end

local function keep()
  redis.call('PEXPIRE', KEYS[1], 600000)
end

if ARGV[1] == 'slow' then
  if now - since < tonumber(ARGV[4]) then return 0 end
  local slowed = math.max(1 / limit, current(tonumber(ARGV[5])) / 2)
  local rest = math.max(next or 0, now + tonumber(ARGV[3]))
  redis.call('HSET', KEYS[1], 'rate', string.format('%.6f', slowed), 'since', string.format('%.0f', now), 'next', string.format('%.0f', rest))
  keep()
  return 1
end

-- lease: ARGV = limit, most, ahead (µs), climb; gives count, delay of the first (µs), distance (ns), first (µs)
local every = 1000000 / (limit * current(tonumber(ARGV[5])))
-- Where nothing is known, Redis may have been emptied, and slots that were leased before may still be used: they lie in the
-- next ahead, and the first new one behind them.
local first = math.max(now, next or now + tonumber(ARGV[4]))
local room = math.floor((now + tonumber(ARGV[4]) - first) / every) + 1
if room < 1 then
  return {0, math.ceil(first - now - tonumber(ARGV[4])) + 1, 0, 0}
end
local count = math.min(room, tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', math.ceil(first + count * every)))
keep()
return {count, math.ceil(first - now), math.ceil(every * 1000), math.ceil(first)}
