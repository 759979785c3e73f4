//! The load/clear/eval script language and series notation, over any store it can fill.
