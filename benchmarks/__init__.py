"""What the house costs: each script measures one thing, prints it with its aim, and stops by itself."""
