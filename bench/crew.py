"""What explaining in processes of their own is worth: the same answers in one, and in two.

    python bench/crew.py [--nodes 200] [--pods 30] [--jobs 2]

Answers and objects are collector.py's, without any network. Where other programs use the CPUs, wall times say
little: beside them stands the CPU time of the process that hands out the work and takes the lines, which is
what bounds a snapshot once there are processes enough.
"""

import argparse
import resource
import time
import zlib

import explain
import simulated

from memcollect.join import ClusterFacts
from memcollect.kubernetes.objects import Pod
from memcollect.services import default_table
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Answer, Target
from memcollect.taking.crew import Crew, Work, done
from memcollect.taking.listed import by_node
from memcollect_agent.serve.wsgi import QUICKLY


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--pods", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    now = time.time()
    template = simulated.answer_template(options.pods, now)
    by_node = explain.made_pods(options.nodes, options.pods)
    facts = ClusterFacts(metrics=explain.made_metrics(by_node, simulated.working_set_bytes(template), now))
    works = [_work(template, node, pods, facts) for node, pods in enumerate(by_node)]
    alone_wall, alone_cpu = _alone(works)
    begun_cpu = _together(works[: options.jobs], options.jobs)[2]
    wall, leading_cpu, crew_cpu = _together(works, options.jobs)
    crew_cpu -= begun_cpu
    print(f"{options.nodes} nodes x {options.pods} pods")
    print(f"  in one process: {alone_wall:.1f} s, {alone_cpu:.2f} s of CPU")
    print(
        f"  with {options.jobs} beside it: {wall:.1f} s, {leading_cpu:.2f} s of CPU in the one that leads, "
        f"{crew_cpu:.2f} s in the others, beside {begun_cpu:.1f} s to begin"
    )
    print(
        f"  by the clock {alone_wall / wall:.2f} times as fast; by CPU, on {options.jobs} CPUs for it alone, "
        f"{alone_cpu * options.jobs / (leading_cpu + crew_cpu):.2f} times"
    )


def _work(template: bytes, node: int, pods: list[Pod], facts: ClusterFacts) -> Work:
    name = simulated.node_name(node)
    agent = AgentPod(node=name, namespace="memcollect", name=simulated.agent_name(node), port=7070)
    target = Target(node=name, agent=agent)
    listed = by_node(pods)[name]
    answer = zlib.compress(simulated.answer_of(template, node), QUICKLY)
    return Work(Answer(target=target, content=answer), listed.pods, facts.narrowed(listed.names))


def _alone(works: list[Work]) -> tuple[float, float]:
    begin, used = time.monotonic(), time.process_time()
    if not all(done(work, default_table()) for work in works):
        raise SystemExit("a node was not done")
    return time.monotonic() - begin, time.process_time() - used


def _together(works: list[Work], jobs: int) -> tuple[float, float, float]:
    """Return the wall time, the CPU time here, and that of the processes, their beginning included."""
    before = _children_cpu()
    crew = Crew(jobs, default_table())
    crew.start(len(works))
    for work in works[:jobs]:
        list(crew.give(work))
    list(crew.rest())  # they have begun
    begin, used = time.monotonic(), time.process_time()
    finished = [row for work in works for row in crew.give(work)]
    finished += crew.rest()
    wall, leading = time.monotonic() - begin, time.process_time() - used
    crew.close()
    if [work for work, _ in finished] != works or not all(row for _, row in finished):
        raise SystemExit("a node was lost, or its order")
    return wall, leading, _children_cpu() - before


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
