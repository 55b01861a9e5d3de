"""What to do about a client that is the bottleneck, in words. Pure."""

from loadlab.workload.plan import Plan, Traits, Workload


def resource(traits: Traits, full: int, workers: int) -> str:
    """Name what is used up, with its verb: of so many workers so many."""
    loops = "requests" not in traits.transports or traits.blocks_loop
    one = "one event loop is" if loops else "one Python interpreter is"
    if workers == 1:
        return one
    many = "event loops" if loops else "Python interpreters"
    return f"{full} of {workers} {many} {'is' if full == 1 else 'are'}"


def needs_more_core(plan: Plan, traits: Traits, cores: float) -> str:
    """Say what gives this load more of a processor."""
    ways = []
    if traits.many_processes and plan.processes + 0.5 < cores:
        ways.append(f"--processes {int(cores)}")
    elif not traits.many_processes and cores > 1.5:
        ways.append("SCENARIO=pool")
    if plan.transport == "aiohttp" and "wire" in traits.transports:
        ways.append("--transport wire")
    elif plan.transport == "requests" and cores <= 1.5:
        ways.append("SCENARIO=task")
    if not ways:
        return f"give the client more cores, or {less_load(plan)}"
    return f"use {' or '.join(ways)}"


def less_load(plan: Plan) -> str:
    """Say how to ask for less: only an open load has a rate of its own."""
    match plan.workload:
        case Workload.OPEN:
            return "use a lower --rate"
        case Workload.CLOSED if plan.think_ns:
            return "use fewer users (--concurrency) or a longer --think"
        case Workload.CLOSED:
            return "use fewer users (--concurrency)"
        case Workload.BATCH:
            return "use a smaller batch (--requests)"
