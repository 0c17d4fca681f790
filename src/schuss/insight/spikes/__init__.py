"""Why the loss jumped: jumps found, looked at closely, and given their causes."""
