"""All scenarios, in the order in which they run."""

from benchmarks.scenarios.client_receive import CLIENT_RECEIVE
from benchmarks.scenarios.connect import CONNECT
from benchmarks.scenarios.echo import ECHO
from benchmarks.scenarios.fan_out import FAN_OUT
from benchmarks.scenarios.growth import GROWTH
from benchmarks.scenarios.idle import IDLE
from benchmarks.scenarios.late_join import LATE_JOIN
from benchmarks.scenarios.latency import LATENCY
from benchmarks.scenarios.publish import PUBLISH
from benchmarks.scenarios.small_rooms import SMALL_ROOMS
from benchmarks.scenarios.streaming import STREAMING, STREAMING_SHARED

SCENARIOS = (
    STREAMING,
    STREAMING_SHARED,
    FAN_OUT,
    SMALL_ROOMS,
    ECHO,
    CONNECT,
    IDLE,
    CLIENT_RECEIVE,
    LATENCY,
    LATE_JOIN,
    PUBLISH,
    GROWTH,
)

__all__ = ["SCENARIOS"]
