"""Automatic differentiation: the mechanism, which knows no op.

`tensor` and `symbolic` are the three things that can flow through an op (values, shapes alone,
placeholders in a model's graph); `node` is one step on the tape; `primitive` turns a function of
arrays into an op with all its duties; `gradient` has the tapes, `backward` the backward pass, and
`ends` what it begins with and where it arrives; `variable` is state.
"""
