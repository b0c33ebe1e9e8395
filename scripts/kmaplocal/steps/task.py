# SPDX-License-Identifier: GPL-2.0-only
"""The kinds of next steps, each in words for whoever has many of them to do."""

from enum import Enum
from typing import NamedTuple


class Task(Enum):
    """What is to be done, in the order in which a person may want to take it."""

    READ = "read a callee, and see that it keeps no address: then a rename will do"
    ORDER = "unmap once on every path, what was mapped last first"
    ADDRESS = "keep the address in a variable, and use or unmap that"
    SPLIT = "split an access at page borders, a map call for each page"
    CONTEXT = "disable page faults or preemption by name, and then rename"
    RETURN = "return the address, and give it to the function that unmaps"
    TOGETHER = "convert what maps and what unmaps, with their callers, in one change"
    ENDS = "convert what only unmaps with what maps"
    PAGE = "give the page on, and not its address: a bio_vec, or map where it is used"
    KEEP = "keep the page and not its address, or vmap() what stays mapped"
    LOWMEM = "need no mapping: pages without highmem, or that vmap() maps as well"
    PERSON = "read what the tool cannot: a macro, a comment, a line"
    LAST = "nothing: it goes with its last caller"


class Step(NamedTuple):
    """A TASK, and in TEXT where and how: a line."""

    task: Task
    text: str
