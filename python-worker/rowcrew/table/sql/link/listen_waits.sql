-- Be told when a job is to be examined that waits, or that others wait for.
LISTEN rowcrew_waits
