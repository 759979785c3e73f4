//! Exercises as data: scenarios rehearsed in virtual time, their claims checked, their report written.
