//! The routes of the simulated BRAiN backend, as a router.
