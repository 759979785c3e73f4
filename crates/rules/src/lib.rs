//! Rule files, recording and alerting rules, and the alert state machine, with time as an argument.
