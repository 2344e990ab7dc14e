//! The two kinds of capacity, which are counted, provisioned and refused apart. Not DynamoDB's operations: each
//! of those takes one of the two.

/// Whose units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Read units.
    Read,
    /// Write units.
    Write,
}

/// One of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Each<T> {
    /// For reads.
    pub read: T,
    /// For writes.
    pub write: T,
}

impl<T> Each<T> {
    /// That of one kind.
    #[must_use]
    pub fn of(&self, operation: Operation) -> &T {
        match operation {
            Operation::Read => &self.read,
            Operation::Write => &self.write,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, operation: Operation) -> &mut T {
        match operation {
            Operation::Read => &mut self.read,
            Operation::Write => &mut self.write,
        }
    }

    /// One of each, made from these.
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> Each<U> {
        Each { read: make(self.read), write: make(self.write) }
    }
}
