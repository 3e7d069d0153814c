"""What occlusion, gradients and edits do on a GPU: checked, timed and printed."""
