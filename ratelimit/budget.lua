-- Takes ARGV[1] points from every budget of KEYS, or from none if one has too few. Each budget has two arguments more: how
-- many points it holds at most, and how many come back in a minute. Its key holds how many points are gone, and since when
-- that holds (µs, by the clock of Redis, which all processes share). A budget without a key is full.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local cost = tonumber(ARGV[1])
local gone, paid = {}, 1

for i, key in ipairs(KEYS) do
  local most, perMinute = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local before, since = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  gone[i] = 0
  if before then
    gone[i] = math.max(0, tonumber(before) - math.max(0, now - tonumber(since)) * perMinute / 60000000)
  end
  if gone[i] + cost > most then paid = 0 end
end

local reply = {paid}
for i, key in ipairs(KEYS) do
  if paid == 1 then
    gone[i] = gone[i] + cost
    local full = math.ceil(gone[i] * 60000 / tonumber(ARGV[2 * i + 1]))
    redis.call('SET', key, string.format('%.17g %.0f', gone[i], now), 'PX', string.format('%.0f', full))
  end
  reply[i + 1] = string.format('%.17g', gone[i])
end
return reply
