//! The rules of the house, checked by the tests.
