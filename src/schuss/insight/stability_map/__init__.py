"""The stability map: which learning rates and momenta train a network, and which do not."""
