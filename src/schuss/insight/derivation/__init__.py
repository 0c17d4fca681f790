"""Back-propagation and the update of one weight, line by line, with the numbers of a sample in it.

derive.py is the way in; scene.py and update.py hold a step's numbers; the files named lines write them;
value.py is what comes out, documents.py the forms in which it can be read.
"""
