"""Who owns which byte: facts, rules, the composition of a working set, the ladder between the numbers. Pure.

interval, facts, sums     what is known, as bounds, and why something is not
rules, charge             a term is a pure function of facts
scopes                    the facts of a container, of a pod's own cgroup, of a pod's app containers together
composition               terms + residual = working set
ladder, steps/            terms + residual = each gap between RSS, PSS, charge, working set and kubectl top
"""
