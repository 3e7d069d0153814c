"""What attacks are made with: disks that fail, trainings that are killed, pictures, requests."""
