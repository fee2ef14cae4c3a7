"""What keeps promises when something breaks: heartbeat, comparison of leases, fence, rescue."""
