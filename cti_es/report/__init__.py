"""What people, CI and other tools are given."""
