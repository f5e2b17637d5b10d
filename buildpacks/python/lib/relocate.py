"""relocate.py ENVIRONMENT: makes the scripts of a virtual environment find its python beside themselves.

pip writes the absolute path of the interpreter into the first line of each script it installs, or, where that path is
long or has spaces, into a line of shell that Python reads as a string. Both become such a line that looks beside the script.
"""

import os
import sys

LAUNCHER = b"""#!/bin/sh
'''exec' "$(dirname -- "$0")/python" "$0" "$@"
' '''
"""


def relocated(content, folder):
    """The script's new content, or None when it does not start the python of this folder."""
    inside = os.fsencode(folder) + b"/"
    first, _, rest = content.partition(b"\n")
    if first.startswith(b"#!" + inside):
        return LAUNCHER + rest
    second, _, rest = rest.partition(b"\n")
    if first == b"#!/bin/sh" and second.startswith((b"'''exec' " + inside, b"'''exec' \"" + inside)):
        return LAUNCHER + rest.partition(b"\n")[2]
    return None


def main(environment):
    folder = os.path.join(environment, "bin")
    for entry in os.scandir(folder):
        if entry.is_symlink() or not entry.is_file():
            continue
        if entry.name.lower().startswith("activate"):
            # Written for the shells of people, with this folder's path inside.
            os.remove(entry.path)
            continue
        with open(entry.path, "rb") as script:
            content = script.read()
        changed = relocated(content, folder)
        if changed is not None:
            with open(entry.path, "wb") as script:
                script.write(changed)


main(sys.argv[1])
