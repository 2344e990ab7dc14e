//! Figures for people's eyes: three significant digits and a unit. JSON never passes through here.

/// Microseconds as `812 us`, `2.13 ms` or `1.20 s`.
pub fn time(us: f64) -> String {
    match us {
        us if us < 999.5 => format!("{} us", significant(us)),
        us if us < 999_500.0 => format!("{} ms", significant(us / 1e3)),
        us => format!("{} s", significant(us / 1e6)),
    }
}

/// Bytes as `512 B`, `1.50 KB`, `3.20 GB`: powers of 1000, as disks are sold.
pub fn bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 999.5 {
            return format!("{} {unit}", significant(value));
        }
        value /= 1000.0;
    }
    format!("{} TB", significant(value))
}

/// A whole number in groups of three: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A rate or other large number, rounded to a whole one.
pub fn rate(per_s: f64) -> String {
    count(per_s.round() as u64)
}

/// A ratio as `0.34`, `2.13` or `12.5`.
pub fn ratio(ratio: f64) -> String {
    significant(ratio)
}

/// A ratio near 1 to the thousandth, for differences of a few percent: `0.971`, `12.5`.
pub fn fine_ratio(ratio: f64) -> String {
    if ratio < 1.9995 { format!("{ratio:.3}") } else { significant(ratio) }
}

/// A share as `63 %` or `93.1 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0))
}

/// Three significant digits, at most two of them decimals, and none for zero.
fn significant(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_a_fourth_digit_would_appear() {
        for (us, expected) in [
            (0.0, "0 us"),
            (0.4, "0.40 us"),
            (9.994, "9.99 us"),
            (9.999, "10.0 us"),
            (812.0, "812 us"),
            (999.6, "1.00 ms"),
            (2130.0, "2.13 ms"),
            (10_000.0, "10.0 ms"),
            (999_600.0, "1.00 s"),
            (75_000_000.0, "75.0 s"),
        ] {
            assert_eq!(time(us), expected, "{us}");
        }
        for (size, expected) in [
            (0.0, "0 B"),
            (512.0, "512 B"),
            (999.7, "1.00 KB"),
            (3.2e9, "3.20 GB"),
            (12e12, "12.0 TB"),
        ] {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }

    #[test]
    fn counts_are_grouped_in_threes() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(number), expected);
        }
        assert_eq!(rate(82_368.4), "82,368");
        assert_eq!(percent(0.931), "93.1 %");
        assert_eq!(ratio(0.344), "0.34");
        assert_eq!([fine_ratio(0.9714), fine_ratio(12.52)], ["0.971", "12.5"]);
    }
}
