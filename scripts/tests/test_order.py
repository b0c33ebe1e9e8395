# SPDX-License-Identifier: GPL-2.0-only
"""What is found of a file is the same, whichever other files are looked at with it."""

import itertools

import pytest

from kmaplocal.certify.analysis import Analysis
from kmaplocal.certify.certificate import LOCAL
from kmaplocal.summaries.callees import MOST_DEEP
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch

LONG = MOST_DEEP + 2
LINK = "void link%d(char *at)\n{\n\tlink%d(at);\n}\n"
LAST = "void link%d(char *at)\n{\n\tat[0] = 1;\n}\n"
USER = """
void user%d(struct page *page)
{
	char *at = kmap_atomic(page);

	link%d(at);
	kunmap_atomic(at);
}
"""


@pytest.fixture
def found(kernel, write):
    """found(*numbers): whether the address stays local in the file that gives it to
    the link of each number, of a chain of calls, when they are looked at so."""
    links = [LINK % (n, n + 1) for n in range(LONG)] + [LAST % LONG]
    write(kernel / "lib/chain.c", "\n".join(links))
    for number in range(LONG + 1):
        write(kernel / f"lib/user{number}.c", USER % (number, number))

    def analysed(numbers):
        tree = Definitions(kernel)
        analysis = Analysis(kernel, find_spatch(), 120, 1, tree)
        files = analysis.run([f"lib/user{number}.c" for number in numbers])
        return {number: local(files[f"lib/user{number}.c"]) for number in numbers}

    def local(file):
        ((certificate,),) = [v.certificates for v in file.verdicts]
        (obligation,) = [o for o in certificate.obligations if o.name == LOCAL]
        return obligation.state, obligation.evidence

    return analysed


def test_the_order_of_the_files_does_not_matter(found):
    """A long chain, of which the end is near to some of its users alone."""
    near, far, middle = LONG, 0, 2
    alone = {n: found([n])[n] for n in (near, far, middle)}
    assert alone[near][0] == alone[middle][0] == "holds"
    assert alone[far][0] == "unknown" and "too many calls away" in alone[far][1]
    for order in itertools.permutations(alone):
        assert found(order) == alone
