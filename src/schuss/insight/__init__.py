"""Questions asked of trainings."""
