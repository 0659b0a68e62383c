"""Leave a failing provider in peace: one circuit breaker for all workers of all machines, in Redis.

Closed, calls pass and failures in a row are counted. Enough of them open it: nobody calls for a pause. Then it is
half-open: one call, the probe, goes through. If the provider answers it, the breaker closes; if the probe fails, the
pause doubles. A probe whose worker died is given up after a while, and another call becomes the probe.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

import redis

from integrations.shared_redis import key_of, run_script

_PART = "breaker"


class BreakerState(StrEnum):
    """What the breaker does with a call."""

    CLOSED = "closed"  #: Calls pass.
    OPEN = "open"  #: No call passes until the pause is over.
    HALF_OPEN = "half-open"  #: The pause is over: one call passes, and decides.


@dataclass(frozen=True, slots=True)
class Passage:
    """A call that may be made. `probe` names it where it is the one that decides."""

    probe: str | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A call that may not be made: in which state, when the next probe is due, and how long the pause was."""

    state: BreakerState
    wait_s: float
    pause_s: float


_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "
_READ = "local open = tonumber(redis.call('HGET', KEYS[1], 'open_until') or '0') "
_OWN = "local own = ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'probe') == ARGV[1] "

# ARGV: name of the probe that this call would be, milliseconds after which a probe is given up.
_ENTER = f"""
{_NOW}{_READ}
if open == 0 then return {{'closed', '0', '0'}} end
local pause = redis.call('HGET', KEYS[1], 'pause')
if now < open then return {{'open', open - now, pause}} end
local probing = tonumber(redis.call('HGET', KEYS[1], 'probe_until') or '0')
if now < probing then return {{'half-open', probing - now, pause}} end
redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'probe_until', string.format('%.0f', now + ARGV[2]))
return {{'probe', '0', '0'}}
"""

# ARGV: name of the probe or ''. Answers to calls that left before it opened do not close it.
_ANSWERED = f"""
{_READ}{_OWN}
if open == 0 or own then redis.call('DEL', KEYS[1]) end
return {{}}
"""

# ARGV: name of the probe or '', failures that open it, first and longest pause in milliseconds.
_FAILED = f"""
{_NOW}{_READ}{_OWN}
local longest, pause = tonumber(ARGV[4]), 0
if open == 0 then
  local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  redis.call('PEXPIRE', KEYS[1], longest + 3600000)
  if failures < tonumber(ARGV[2]) then return {{'closed', '0'}} end
  pause = math.min(longest, ARGV[3])
elseif own then
  pause = math.min(longest, 2 * redis.call('HGET', KEYS[1], 'pause'))
else
  return {{'open', '0'}}
end
redis.call('HSET', KEYS[1], 'pause', string.format('%.0f', pause), 'open_until', string.format('%.0f', now + pause))
redis.call('HDEL', KEYS[1], 'probe', 'probe_until')
redis.call('PEXPIRE', KEYS[1], math.ceil(pause + longest + 3600000))
return {{'opened', string.format('%.0f', pause)}}
"""

# ARGV: name of the probe.
_LEAVE = f"{_OWN} if own then redis.call('HDEL', KEYS[1], 'probe', 'probe_until') end return {{}}"


class CircuitBreaker:
    """The breaker of one provider.

    Parameters
    ----------
    failures
        Failures in a row that open it.
    pause_s, longest_pause_s
        First pause, and the longest one that it doubles to.
    probe_s
        How long a probe may take before another call becomes the probe.

    All methods raise `redis.RedisError` where Redis does not answer.
    """

    def __init__(
        self,
        client: redis.Redis,
        provider: str,
        *,
        failures: int,
        pause_s: float,
        longest_pause_s: float,
        probe_s: float,
    ) -> None:
        self._client = client
        self._keys = [key_of(provider, _PART)]
        self._failures = failures
        self._pause_ms = round(pause_s * 1000)
        self._longest_ms = max(round(longest_pause_s * 1000), self._pause_ms)
        self._probe_ms = round(probe_s * 1000)

    def enter(self) -> Passage | Blocked:
        """Whether a call may be made now. A `Passage` must be told how the call ended."""
        name = uuid4().hex
        state, wait_ms, pause_ms = run_script(self._client, _ENTER, self._keys, [name, self._probe_ms])
        if state == "probe":
            return Passage(name)
        if state == BreakerState.CLOSED:
            return Passage()
        return Blocked(BreakerState(state), float(wait_ms) / 1000, float(pause_ms) / 1000)

    def answered(self, passage: Passage) -> None:
        """The provider answered, be it that it refuses the request: it is at work."""
        run_script(self._client, _ANSWERED, self._keys, [passage.probe or ""])

    def failed(self, passage: Passage) -> float | None:
        """The provider did not answer as it should. Returns the pause in seconds if this opened the breaker."""
        arguments: list[str | int | float] = [
            passage.probe or "",
            *(self._failures, self._pause_ms, self._longest_ms),
        ]
        verdict, pause_ms = run_script(self._client, _FAILED, self._keys, arguments)
        return float(pause_ms) / 1000 if verdict == "opened" else None

    def left(self, passage: Passage) -> None:
        """The call was not made, or says nothing about the provider: another one may be the probe."""
        if passage.probe is not None:
            run_script(self._client, _LEAVE, self._keys, [passage.probe])
