"""What works and what does not, each with the remedy: `memcollect doctor`.

    gather.cluster_facts, local.local_facts   all questions, asked once; an answer that failed is a Fault
    checks.CLUSTER, checks.LOCAL              the checks, as data: a name, what it needs, a pure verdict
    engine.diagnose                           facts and checks -> Report

A check that cannot be made since an earlier one failed is "skipped", and says because of which.
"""
