-- Be told when jobs have ended that somebody waits for.
LISTEN rowcrew_ended
