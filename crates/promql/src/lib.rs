//! PromQL: lowering to our own syntax tree, and column-wise evaluation over any Queryable.
