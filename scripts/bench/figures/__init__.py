"""The figures, in the order of the report: key -> the function that measures it and returns a `result.Figure`."""

from figures import answer, footprint, idle, instructions, memory, round_trip, throughput, window

ALL = {
    "round-trip": round_trip.line,
    "burst": round_trip.burst,
    "throughput": throughput.text,
    "answer": answer.call,
    "window": window.opened,
    "memory": memory.call,
    "crowd": answer.crowd,
    "idle": idle.idle,
    "start": footprint.started,
    "size": footprint.size,
    "instructions": instructions.counted,
}
