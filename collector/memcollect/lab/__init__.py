"""A real cgroup v2 kernel as an ordinary program: User-Mode Linux, with pods laid out as a kubelet does.

`uml` boots it, `init` is process 1 inside, `layout` makes the pods, `workloads` fill them, `demo` shows
them. Below `commands` and free to do I/O; nothing in the pure middle knows of it.
"""
