-- Be told which jobs somebody waits for.
LISTEN rowcrew_expected
