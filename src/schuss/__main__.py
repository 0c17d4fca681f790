"""``python -m schuss`` is ``schuss``."""

from schuss.interface.cli import main

main()
