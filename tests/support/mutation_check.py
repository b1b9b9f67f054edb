# SPDX-License-Identifier: BSD-2-Clause
"""tests/mutate --check: mutants of a small file, of which it is known what becomes of them."""
import os
import tempfile

import mutation_build
import mutation_effects
import mutation_operators
import mutation_run
from mutation_run import BROKEN, KILLED, SAME, UNSURE

FILE = """
int toy(int value);
int toy(int value)
{
    int i = 0, nobody = 0, table[4] = {0, 2, 4, 6};

    if (value < 0)
        value = -9;
    while (i < value)
        i++;
    nobody = 5;
    return table[i];
}
"""
TEST = """
#include <criterion/criterion.h>
int toy(int value);
Test(toy, three)
{
    cr_assert_eq(toy(3), 6);
    cr_assert_eq(toy(0), 0);
}
Test(toy, not_run, .disabled = true)
{
    cr_assert_eq(toy(-1), 0);
}
"""
WRONG = "Test(toy, wrong)\n{\n    cr_assert_eq(toy(3), 7, \"planted\");\n}\n"

# operator, the line after -> verdict, and the end of what tells why
EXPECTED = {
    ("negate-condition", "if (!(value < 0))"): (KILLED, "wanted toy(3) == 6; ]"),
    ("negate-condition", "while (!(i < value))"): (KILLED, "wanted toy(3) == 6; ]"),
    ("compare", "while (i <= value)"): (KILLED, "[crash]"),
    ("drop-assignment", ";"): (KILLED, "[hang]"),
    ("force-false", "if ((0))"): (UNSURE, "1 tests, 0 runs"),
    ("drop-assignment", "; nobody"): (SAME, ""),
    ("drop-return", ";"): (BROKEN, ""),
}


class NoSuite:
    """Unit tests alone."""
    runs = ()

    @staticmethod
    def reaching(_):
        return []


def plant(build, folder, test):
    """The small file as the whole library; its mutants."""
    for name, text in (("toy.c", FILE), ("test_toy.c", test)):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
    unit = mutation_build.Unit(build, os.path.join(folder, "toy.c"), ["-std=gnu11"])
    build.library = [unit]
    build.programs = {"toy's tests": [
        *build.main_of_units(), unit,
        mutation_build.Unit(build, os.path.join(folder, "test_toy.c"), [build.plain()])]}
    build.compile_all(build.programs["toy's tests"], mutation_build.FAST)
    library = mutation_effects.parse([(unit.source, unit.flags)])
    return mutation_operators.find(unit.source, unit.name, library.kept[0][1], library)


def judged(build, folder, test, said):
    judge = mutation_run.Judge(build, NoSuite, None, said.append)
    found = {}
    mutants = plant(build, folder, test)
    judge.units = {unit.name: unit for unit in build.library}
    for mutant, verdict, by in judge.judge(0, mutants, 1):
        last = "; nobody" if "nobody" in mutant.before else ""
        found[mutant.operator, last or mutant.after] = (verdict, by)
    return found


def main(root):
    """Exit code."""
    wrong, said = [], []
    with tempfile.TemporaryDirectory(prefix="uiommu-mutate-") as folder:
        build = mutation_build.Build(root, os.path.join(folder, "build"), 1)
        found = judged(build, folder, TEST, said)
        for key, (verdict, why) in EXPECTED.items():
            got = found.get(key, ("not made", ""))
            if got[0] != verdict or not got[1].endswith(why):
                wrong.append(f"{key[0]}: {key[1]}: {got[0]} {got[1]}, not {verdict} {why}")
        if said:
            wrong.append(f"said {said}")
        # A test that fails anyway kills nothing, and is told.
        found = judged(build, folder, TEST + WRONG, said)
        if KILLED in {verdict for verdict, _ in found.values()}:
            wrong.append("a test that fails without a mutant has killed one")
        if len(said) != 1 or "toy::wrong fails without any mutant" not in said[0]:
            wrong.append(f"a test fails without a mutant, and it says {said}")
    for text in wrong:
        print(f"FAILED {text}")
    count = len(EXPECTED) + 2
    print(f"{count - len(wrong)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0
