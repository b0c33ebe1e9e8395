// SPDX-License-Identifier: GPL-2.0-only
/// Print what a C file says, construct by construct: expressions, statements,
/// declarations, parameters, labels and structure members, each with its
/// extent, its function and its text.  It decides nothing.
///
// Confidence: High
// Options: --no-includes
// Comments: The driver reads this instead of the C file.  One line a fact,
// Comments: fields separated by tabs; scripts/kmaplocal/c/syntax.py names
// Comments: them.  A line "file" says which file the next ones are of.
// Comments: In the text of a field each run of blanks (space, tab, line feed,
// Comments: vertical tab, form feed, carriage return) is one space, none at its
// Comments: ends: no field holds a tab or a line end.  Other bytes stay.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
latest = [None]

def squeezed(field):
    for blank in "\t\n\v\f\r":
        field = field.replace(blank, " ")
    return " ".join(word for word in field.split(" ") if word)

def fact(kind, p, *rest):
    p = p[0]
    if p.file != latest[0]:
        latest[0] = p.file
        print("file\t" + p.file)
    print("\t".join((kind, p.line, p.column, p.line_end, p.column_end,
                     p.current_element, p.current_element_line)
                    + tuple(squeezed(field) for field in rest)))

@expression_fact@
expression E;
position p;
@@
E@p

@script:python@
p << expression_fact.p;
E << expression_fact.E;
@@
fact("expression", p, E)

@statement_fact@
statement S;
position p;
@@
S@p

@script:python@
p << statement_fact.p;
S << statement_fact.S;
@@
whole = S.startswith(("asm", "__asm__"))
fact("statement", p, S if whole else S[:1000])

@declaration_fact@
declaration D;
position p;
@@
D@p

@script:python@
p << declaration_fact.p;
D << declaration_fact.D;
@@
fact("declaration", p, D)

@variable_fact@
type T;
identifier x;
position p;
@@
T x@p;

@script:python@
p << variable_fact.p;
x << variable_fact.x;
T << variable_fact.T;
@@
fact("variable", p, x, T)

@initialised_fact@
type T;
identifier x;
initializer I;
position p, q;
@@
T x@p = I@q;

@script:python@
p << initialised_fact.p;
q << initialised_fact.q;
x << initialised_fact.x;
T << initialised_fact.T;
@@
fact("initialised", p, x, T, q[0].line, q[0].column)

@parameter_fact@
type T;
identifier x, f;
position p;
parameter list[n] before;
@@
f(before, T x@p, ...) { ... }

@script:python@
p << parameter_fact.p;
x << parameter_fact.x;
T << parameter_fact.T;
n << parameter_fact.n;
@@
fact("parameter", p, x, T, n)

@label_fact@
identifier l;
position p;
@@
l@p:

@script:python@
p << label_fact.p;
l << label_fact.l;
@@
fact("label", p, l)

@member_fact@
identifier s, m;
type T;
position p;
@@
struct s {
  ...
  T m@p;
  ...
};

@script:python@
p << member_fact.p;
s << member_fact.s;
m << member_fact.m;
T << member_fact.T;
@@
fact("member", p, s, m, T)
