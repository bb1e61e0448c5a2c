"""A distribution's own kernel, with SMP and real container runtimes, on any machine: the full lab.

User-Mode Linux (memcollect.lab.uml) has one CPU and neither THP, PSI, MGLRU, zswap, hugetlb nor KSM. Here
Debian's stock kernel runs in QEMU, by KVM where it can be used; else the processor is emulated, so no
virtualisation support is needed.

`recipe` says what the image is made of, `image` makes and keeps it, `acceleration` chooses the processor,
`machine` boots it, `remote` runs commands in it, `sources` brings this project's own programs there, and
`session` puts these together. `__main__` is the command. The image holds nothing of ours, so a change of
ours never makes it anew.
"""
