"""Running a plan: sandboxes from a source, phases in them, settling, snapshots, and a bundle of it all.

text of a plan                         plan.parse.parse_plan -> Plan, or every mistake in it at once
what a phase is, byte for byte         plan.workload.workload_of
sandboxes, however they are made       sandboxes.source.Source: selected, template, provisioned
doing a phase in each of them          actions.act
whether memory has come to rest        measuring.settle (pure), measuring.settling (asks the agents)
how pods became ready                  measuring.startup
the nodes before and after             node_evidence
the run itself, block by block         runner.Run; plan.blocks says in which order
what a run left, deleted               sandboxes.cleanup
"""
