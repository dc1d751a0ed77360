"""What all trainers share: the training loop, checkpoints, data sets, metrics, hole masks."""
