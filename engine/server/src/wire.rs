//! What the service's own conventions put on the wire: dates, types of content. Not errors: see
//! `flywheel-api`. Not HTTP's framing: see `http::response`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

/// AWS's JSON protocol 1.0.
pub(crate) const AMZ_JSON: &str = "application/x-amz-json-1.0";

/// What plain clients send.
pub(crate) const JSON: &str = "application/json";

/// The body for what is no operation at all.
pub(crate) const UNKNOWN_OPERATION: &[u8] = b"<UnknownOperationException/>\n";

/// Today's date for headers, made once a second.
#[derive(Default)]
pub(crate) struct Date {
    made_s: Cell<u64>,
    text: RefCell<String>,
}

impl Date {
    /// Appends `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub(crate) fn write(&self, now: Duration, out: &mut Vec<u8>) {
        let mut text = self.text.borrow_mut();
        if text.is_empty() || self.made_s.get() != now.as_secs() {
            self.made_s.set(now.as_secs());
            *text = http_date(now.as_secs());
        }
        out.extend_from_slice(text.as_bytes());
    }
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: u64,
    /// From 1 on.
    pub(crate) month: u64,
    /// From 1 on.
    pub(crate) day: u64,
    pub(crate) hour: u64,
    pub(crate) minute: u64,
    pub(crate) second: u64,
}

impl Civil {
    /// Seconds since 1970. Years are counted from March, so that the odd day comes last (Howard
    /// Hinnant, "chrono-compatible low-level date algorithms").
    pub(crate) fn from_unix(unix_s: u64) -> Self {
        let (days, second) = (unix_s / 86_400, unix_s % 86_400);
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    /// The inverse, from 1970 on; `None` for what is no moment.
    pub(crate) fn to_unix(self) -> Option<u64> {
        let Self { year, month, day, hour, minute, second } = self;
        let in_range = (1970..10_000).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !in_range {
            return None;
        }
        let from_march = if month > 2 { month - 3 } else { month + 9 };
        let year_from_march = year - u64::from(month <= 2);
        let (era, of_era) = (year_from_march / 400, year_from_march % 400);
        let of_year = (153 * from_march + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let unix_s = days * 86_400 + hour * 3600 + minute * 60 + second;
        // The 31st of a month of 30 days is another day.
        (Self::from_unix(unix_s) == self).then_some(unix_s)
    }

    /// `20150830T123600Z`.
    pub(crate) fn basic(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

fn http_date(unix_s: u64) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix(unix_s);
    let weekday = DAYS[(unix_s / 86_400 % 7) as usize];
    let month = MONTHS[(month - 1) as usize];
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, as a `Date` header has it.
pub(crate) fn parse_http_date(text: &str) -> Option<u64> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let mut word = || words.next();
    let day = number(word()?, 2)?;
    let month_name = word()?;
    let month = MONTHS.iter().position(|&name| name == month_name)? as u64 + 1;
    let year = number(word()?, 4)?;
    let mut time = word()?.split(':');
    let mut part = || number(time.next()?, 2);
    let (hour, minute, second) = (part()?, part()?, part()?);
    let civil = Civil { year, month, day, hour, minute, second };
    (word() == Some("GMT")).then(|| civil.to_unix()).flatten()
}

/// Reads exactly so many digits.
pub(crate) fn number(text: &str, digits: usize) -> Option<u64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(Civil::from_unix(1_440_938_160).basic(), "20150830T123600Z");
        for day in 0..60_000 {
            let unix_s = day * 86_400 + day % 86_400;
            assert_eq!(Civil::from_unix(unix_s).to_unix(), Some(unix_s));
            assert_eq!(parse_http_date(&http_date(unix_s)), Some(unix_s));
        }
        let day = |month, day| Civil { year: 2023, month, day, hour: 0, minute: 0, second: 0 };
        for bad in [day(2, 29), day(4, 31), day(13, 1), day(0, 1), day(1, 0), day(1, 32)] {
            assert_eq!(bad.to_unix(), None, "{bad:?}");
        }
        for bad in ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "x, y"] {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }
}
