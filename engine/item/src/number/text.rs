//! Numbers to text, as DynamoDB returns them: all digits, no exponent.

use std::fmt;

use super::Number;

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative() {
            f.write_str("-")?;
        }
        if self.is_zero() {
            return f.write_str("0");
        }
        let digits = self.significand().to_string();
        let exponent = i32::from(self.exponent);
        if exponent >= 0 {
            return write!(f, "{digits}{:0<1$}", "", exponent as usize);
        }
        let behind_point = exponent.unsigned_abs() as usize;
        match digits.len().checked_sub(behind_point) {
            Some(before) if before > 0 => {
                write!(f, "{}.{}", &digits[..before], &digits[before..])
            }
            _ => write!(f, "0.{digits:0>behind_point$}"),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
