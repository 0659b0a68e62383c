"""Limits per minute that all workers of all machines share, and the pauses a provider asks for, in Redis.

A window slides in steps: amounts are kept in one-second buckets, and a call fits if its own amount and all buckets of
the last minute stay within the limit. A bucket counts until two seconds after its minute is over, so that calls which
reach the provider a little later than others do not make a minute of theirs too full. All counters are looked at and
raised in one script, by Redis' own clock: either every limit allows the call, or nothing is taken.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from integrations.shared_redis import key_of, run_script

WINDOW_S = 60.0
#: Parts of a window, and how many of them a bucket counts beyond the window's end.
BUCKETS, SLACK_BUCKETS = 60, 2

CALLS, TOKENS = "calls", "tokens"
HOLD_OFF = "hold-off"

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 120.0
# A provider may ask for a pause until its quota begins anew, but for none beyond that.
_LONGEST_WISH_S = 86_400.0

# KEYS: hold-off, counters. ARGV: microseconds of a bucket, buckets that count, then amount and limit of each counter.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local hold = tonumber(redis.call('GET', KEYS[1]) or '0')
if hold > now then return {'refused', 'hold-off', string.format('%.0f', hold - now)} end
local length, span = tonumber(ARGV[1]), tonumber(ARGV[2])
local current = math.floor(now / length)
local wait, tightest = 0, ''
for i = 2, #KEYS do
  local amount, limit = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local flat, buckets, total = redis.call('HGETALL', KEYS[i]), {}, 0
  for j = 1, #flat, 2 do
    local bucket, n = tonumber(flat[j]), tonumber(flat[j + 1])
    if bucket > current then
      -- The clock was set back: what was taken "later" was taken just now.
      redis.call('HDEL', KEYS[i], flat[j])
      redis.call('HINCRBY', KEYS[i], string.format('%.0f', current), n)
      bucket = current
    end
    if bucket <= current - span then
      redis.call('HDEL', KEYS[i], flat[j])
    else
      total = total + n
      buckets[#buckets + 1] = {bucket, n}
    end
  end
  local excess = total + amount - limit
  if excess > 0 then
    table.sort(buckets, function(a, b) return a[1] < b[1] end)
    local fits = now + span * length
    for _, bucket in ipairs(buckets) do
      excess = excess - bucket[2]
      if excess <= 0 then fits = (bucket[1] + span) * length; break end
    end
    if fits - now > wait then wait, tightest = fits - now, tostring(i - 2) end
  end
end
if wait > 0 then return {'refused', tightest, string.format('%.0f', wait)} end
local field = string.format('%.0f', current)
for i = 2, #KEYS do
  redis.call('HINCRBY', KEYS[i], field, ARGV[2 * i - 1])
  redis.call('PEXPIRE', KEYS[i], math.ceil(2 * span * length / 1000))
end
return {'taken', field, '0'}
"""

# KEYS: counters. ARGV: bucket, then what each is corrected by. A bucket that is gone is not made again.
_CORRECT = """
for i = 1, #KEYS do
  local n = tonumber(redis.call('HGET', KEYS[i], ARGV[1]) or '-1')
  if n >= 0 then redis.call('HSET', KEYS[i], ARGV[1], math.max(0, n + ARGV[i + 1])) end
end
return {}
"""

# KEYS: hold-off, refusals in a row. ARGV: wish of the provider in s or -1, a random number, first and longest pause.
_HOLD_OFF = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local hold = tonumber(redis.call('GET', KEYS[1]) or '0')
local pause = tonumber(ARGV[1])
if pause < 0 then
  -- Calls that were on their way when the pause began are refused, too; they do not make it longer.
  if hold > now then return {string.format('%.0f', hold - now)} end
  local n = redis.call('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], 3600000)
  pause = ARGV[2] * math.min(tonumber(ARGV[4]), ARGV[3] * 2 ^ math.min(n - 1, 60))
end
local until_us = math.max(hold, now + pause * 1000000)
if until_us > now then
  redis.call('SET', KEYS[1], string.format('%.0f', until_us), 'PX', math.ceil((until_us - now) / 1000) + 1)
end
return {string.format('%.0f', until_us - now)}
"""

# KEYS: hold-off, refusals in a row. An answer that left before the pause began does not end the row.
_ANSWERED = "if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end return {}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A call that fits: where it was counted, and how much of what."""

    bucket: int
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that does not fit: which limit says so (`CALLS`, `TOKENS`, `HOLD_OFF`), and when it would."""

    limit: str
    wait_s: float


class RateLimiter:
    """The windows and the hold-off of one provider.

    Parameters
    ----------
    client
        `integrations.shared_redis.shared_redis`.
    provider
        Name that the counters are kept under.
    limits
        Most of each counter (`CALLS`, `TOKENS`) in any window.
    window_s
        Length of the window.

    All methods raise `redis.RedisError` where Redis does not answer.
    """

    def __init__(self, client: redis.Redis, provider: str, limits: Mapping[str, int], window_s: float = WINDOW_S):
        self._client = client
        self._provider = provider
        self._limits = dict(limits)
        self._bucket_us = round(window_s / BUCKETS * 1e6)

    def take(self, amounts: Mapping[str, int]) -> Slot | Refusal:
        """Count a call if every limit allows it. An amount above its limit never fits: ask for less."""
        names = list(self._limits)
        keys = [key_of(self._provider, HOLD_OFF), *(key_of(self._provider, name) for name in names)]
        pairs = [number for name in names for number in (amounts.get(name, 0), self._limits[name])]
        span = BUCKETS + SLACK_BUCKETS + 1
        verdict, where, wait_us = run_script(self._client, _TAKE, keys, [self._bucket_us, span, *pairs])
        if verdict == "taken":
            return Slot(int(where), {name: amounts.get(name, 0) for name in names})
        return Refusal(where if where == HOLD_OFF else names[int(where)], float(wait_us) / 1e6)

    def correct(self, slot: Slot, amounts: Mapping[str, int]) -> None:
        """Count what a call really took (zeros: it was not made), where it was counted."""
        change = {name: amounts.get(name, 0) - before for name, before in slot.amounts.items()}
        if any(change.values()):
            keys = [key_of(self._provider, name) for name in change]
            run_script(self._client, _CORRECT, keys, [slot.bucket, *change.values()])

    def hold_off(self, wish_s: float | None) -> float:
        """Let nobody call until the provider's wish is fulfilled; returns the seconds from now.

        Without a wish the pause is drawn from a range that doubles with every refusal in a row (full jitter).
        """
        wished = wish_s is not None and 0 < wish_s < float("inf")
        arguments: list[str | int | float] = [
            min(wish_s, _LONGEST_WISH_S) if wished and wish_s else -1,
            *(random.random(), _FIRST_PAUSE_S, _LONGEST_PAUSE_S),
        ]
        [pause_us] = run_script(self._client, _HOLD_OFF, self._hold_keys(), arguments)
        return float(pause_us) / 1e6

    def answered(self) -> None:
        """The provider took a call: the row of refusals is over."""
        run_script(self._client, _ANSWERED, self._hold_keys(), [])

    def _hold_keys(self) -> list[str]:
        return [key_of(self._provider, HOLD_OFF), key_of(self._provider, "refusals")]
