"""What is measured, one file a part. Each part offers CASES: name -> function that yields lines."""
