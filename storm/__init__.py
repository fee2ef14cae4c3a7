"""The fault storm: real workers, real faults, and a checker that reads what was left (`./dev storm`)."""
