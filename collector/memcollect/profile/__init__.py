"""Running a plan: sandboxes from a source, phases in them, settling, snapshots, and a bundle of it all.

text of a plan                         parse.parse_plan -> Plan, or every mistake in it at once
what a phase is, byte for byte         workload.workload_of
sandboxes, however they are made       sandboxes.Source: selected, template, provisioned
doing a phase in each of them          actions.act
whether memory has come to rest        settle (pure), settling (asks the agents)
how pods became ready                  startup
the nodes before and after             node_evidence
the run itself, block by block         runner.Run; blocks says in which order
what a run left, deleted               cleanup
"""
