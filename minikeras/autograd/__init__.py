"""Automatic differentiation: the mechanism, which knows no op.

`tensor` and `symbolic` are the three kinds of tensor that an op takes (values, shapes alone,
placeholders in a model's graph). `primitive` turns a function of arrays into an op with all its
duties, `fused` one that does the work of several; `families` has dtype and shape rules, `vjps`
gradient rules. `node` is one call on a tape, `tape` says when a tape records, `gradient`
differentiates what it recorded: `backward` is the backward pass, `ends` where it begins and ends.
`variable` is state, `first_values` what it begins with. `program` records a whole step and runs it
again; `program_source` is the code that it writes.
"""
