-- Be told when rows may be ready.
LISTEN rowcrew_wake
