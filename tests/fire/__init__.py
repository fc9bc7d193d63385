"""What must hold while everything around burns: lost answers, dead processes, empty buckets."""
