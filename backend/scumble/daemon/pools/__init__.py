"""What runs the daemon's jobs: processes of this machine, a Ray cluster, or the daemon of another machine."""
