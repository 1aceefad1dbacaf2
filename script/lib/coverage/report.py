"""Prints lines and branches of each folder, from what gcovr wrote as JSON.

Several of its files are of several runs: a line is reached when one of them reached it.
"""
import argparse
import json
import os
import sys

DEPTH = 2


def read(paths):
    """{file: {line: [count, {branch: count}]}}"""
    sources = {}
    for path in paths:
        with open(path) as text:
            files = json.load(text)["files"]
        for file in files:
            lines = sources.setdefault(file["file"], {})
            for line in file["lines"]:
                if line.get("gcovr/noncode") or line.get("gcovr/excluded"):
                    continue
                known = lines.setdefault(line["line_number"], [0, {}])
                known[0] += line["count"]
                for number, branch in enumerate(line["branches"]):
                    known[1][number] = known[1].get(number, 0) + branch["count"]
    return sources


def tally(lines):
    """[lines, reached lines, branches, taken branches]"""
    branches = [count for line in lines.values() for count in line[1].values()]
    return [
        len(lines),
        sum(1 for line in lines.values() if line[0] > 0),
        len(branches),
        sum(1 for count in branches if count > 0),
    ]


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


def show(name, numbers):
    lines, reached, branches, taken = numbers
    print(
        f"{name:32} {reached:6d} of {lines:6d}  {share(reached, lines):5.1f} %"
        f"  {taken:6d} of {branches:6d}  {share(taken, branches):5.1f} %"
    )


def folder_of(file):
    return "/".join(os.path.dirname(file).split("/")[:DEPTH]) or file


def ranges(lines):
    """The lines that nothing reached, those beside each other together."""
    numbers = sorted(lines)
    first = None
    for number in numbers + [None]:
        if number is not None and lines[number][0] == 0:
            first, last = first or number, number
        elif first is not None:
            yield first, last
            first = None


def list_uncovered(sources, root, path):
    """Each range with its text, then the branches never taken."""
    with open(path, "w") as out:
        for file in sorted(sources):
            with open(os.path.join(root, file)) as text:
                source = text.read().split("\n")
            lines = sources[file]
            for first, last in ranges(lines):
                out.write(f"{file}:{first}-{last}\n")
                for number in range(first, last + 1):
                    out.write(f"    {source[number - 1]}\n")
            for number in sorted(lines):
                count, branches = lines[number]
                never = sum(1 for taken in branches.values() if taken == 0)
                if count > 0 and never:
                    out.write(
                        f"{file}:{number} {never} of {len(branches)} branches never taken\n"
                        f"    {source[number - 1]}\n"
                    )


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--root", required=True)
    options.add_argument("--lines", type=float, required=True)
    options.add_argument("--branches", type=float, required=True)
    options.add_argument("--uncovered", required=True)
    options.add_argument("reached", nargs="+")
    options = options.parse_args()

    sources = read(options.reached)
    folders = {}
    for file, lines in sources.items():
        total = folders.setdefault(folder_of(file), [0, 0, 0, 0])
        for place, number in enumerate(tally(lines)):
            total[place] += number
    print()
    print(f"{'':32} {'lines':>16} {'':>9}  {'branches':>16}")
    for folder in sorted(folders):
        show(folder, folders[folder])
    all_of_it = [sum(column) for column in zip(*folders.values())]
    show("all", all_of_it)
    list_uncovered(sources, options.root, options.uncovered)
    print(f"\nwhat no test reached: {options.uncovered}")
    lines, reached, branches, taken = all_of_it
    kept = (
        share(reached, lines) >= options.lines
        and share(taken, branches) >= options.branches
    )
    print(
        f"{'kept' if kept else 'MISSED'}: {share(reached, lines):.1f} % of lines"
        f" and {share(taken, branches):.1f} % of branches,"
        f" of at least {options.lines:g} % and {options.branches:g} %"
    )
    sys.exit(0 if kept else 1)


main()
