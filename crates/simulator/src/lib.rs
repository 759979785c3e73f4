//! A virtual BRAiN and one virtual clock that drive the same pipeline as production.
