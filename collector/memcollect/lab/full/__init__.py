"""A distribution's own kernel, with SMP and real container runtimes, on any machine: the full lab.

User-Mode Linux (memcollect.lab.uml) has one CPU and neither THP, PSI, MGLRU, zswap, hugetlb nor KSM. Here
Debian's stock kernel runs in QEMU by software emulation, so no virtualisation support is needed.

`recipe` says what the image is made of, `image` makes and keeps it, `machine` boots it, `remote` runs
commands in it, `sources` brings this project's own programs there, `session` puts these together and
`__main__` is the command. The image holds nothing of ours, so a change of ours never makes it anew.
"""
