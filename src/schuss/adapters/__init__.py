"""Other people's formats: tables, model files, and scikit-learn's conventions."""
