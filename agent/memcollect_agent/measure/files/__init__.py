"""The files behind a pod's page cache and tmpfs: found without being led astray, looked at without a touch.

    held.py    what its processes map and hold open: smaps, /proc/PID/fd
    places.py  where its files are: the mounts of its processes, an overlay's real directories
    walk.py    the files of one place, and what of each is in memory
    lists.py   which pages of files each cgroup pays for, counted page by page
    finder.py  all of it for one pod, within bounds -> wire.PodFiles

Only on request: neither the history nor the page for Prometheus ever looks for a file.
"""
