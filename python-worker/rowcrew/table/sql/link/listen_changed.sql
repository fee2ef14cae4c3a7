-- Be told when somebody changed a row that a worker runs.
LISTEN rowcrew_lost
