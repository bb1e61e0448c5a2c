"""The live view's middle: what agents, pod list and metrics API said last -> rows, totals, footnotes. Pure.

    parts     one composition -> anonymous, tmpfs, hot cache, kernel, and the remainder
    trend     points of the last minute -> change and sparkline values
    rows      one joined pod -> its row
    nodes     one node's last answer, kept while a later one is waited for
    totals    rows added up
    frame     all nodes at one moment -> what is to be shown

Sizes are bytes. Two clocks: `..._at` is the node's own, `received` and `now` are seconds of whoever
watches; an age across both is the sum of two differences, each on one clock.
"""
