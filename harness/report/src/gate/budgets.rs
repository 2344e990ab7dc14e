//! The file of budgets: what one operation of each kind may take. TOML, read strictly, written sorted so that a change of
//! a budget is one line of a diff.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::counters::{Counter, Counts};

/// What stands at the top of the file.
const HEADER: &str = "\
# What one operation of the engine may take; `flywheel gate` holds a build against it. A count above its budget
# by more than the allowance fails the gate. After a change that is worth its cost, or that saves some:
#   flywheel gate --update-budgets
# The operations are those of `flywheel-count list`; all counters are per operation.
";

/// The table that is no operation.
const ALLOWANCES: &str = "allowance_percent";

/// The file is not one of budgets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BudgetError(String);

/// Budgets by operation and counter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budgets {
    allowances_percent: BTreeMap<Counter, f64>,
    budgets: Counts,
}

impl Budgets {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is no TOML, an unknown counter, or a number that is no count, with where it stands.
    pub fn parse(text: &str) -> Result<Self, BudgetError> {
        let mut budgets: Counts =
            toml::from_str(text).map_err(|error| BudgetError(error.to_string().trim().into()))?;
        for (table, counts) in &budgets {
            if !table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(BudgetError(format!(
                    "[{table}]: operations are named with letters, digits and _"
                )));
            }
            for (counter, number) in counts {
                if !(number.is_finite() && *number >= 0.0) {
                    let name = counter.name();
                    return Err(BudgetError(format!(
                        "[{table}] {name}: expected a number from 0 up, found {number}"
                    )));
                }
            }
        }
        let allowances_percent = budgets.remove(ALLOWANCES).unwrap_or_default();
        Ok(Self { allowances_percent, budgets })
    }

    /// What was just counted, as budgets, with the allowances of these. What was not counted keeps its budget; unless
    /// `all` operations that there are were counted, others keep theirs too. What nothing counts, as `counts_it` says, goes.
    pub fn updated(
        &self,
        counts: &Counts,
        all: bool,
        counts_it: impl Fn(&str, Counter) -> bool,
    ) -> Self {
        let mut budgets = if all { Counts::new() } else { self.budgets.clone() };
        budgets.extend(counts.clone());
        for (operation, counts) in &mut budgets {
            for (counter, budget) in self.budgets.get(operation).into_iter().flatten() {
                counts.entry(*counter).or_insert(*budget);
            }
            counts.retain(|counter, _| counts_it(operation, *counter));
        }
        budgets.retain(|_, counts| !counts.is_empty());
        Self { allowances_percent: self.allowances_percent.clone(), budgets }
    }

    /// What one operation may take.
    pub fn of(&self, operation: &str, counter: Counter) -> Option<f64> {
        self.budgets.get(operation)?.get(&counter).copied()
    }

    /// How far above its budget a count may be.
    pub fn allowance_percent(&self, counter: Counter) -> f64 {
        let set = self.allowances_percent.get(&counter);
        set.copied().unwrap_or_else(|| counter.usual_allowance_percent())
    }

    /// Each operation and counter that has a budget.
    pub fn all(&self) -> impl Iterator<Item = (&str, Counter)> {
        self.budgets.iter().flat_map(|(operation, counts)| {
            counts.keys().map(|counter| (operation.as_str(), *counter))
        })
    }

    /// The text of a file.
    pub fn to_toml(&self) -> String {
        let mut text = format!("{HEADER}\n[{ALLOWANCES}]\n");
        for counter in Counter::ALL {
            let _ = writeln!(text, "{} = {}", counter.name(), self.allowance_percent(counter));
        }
        for (operation, counts) in &self.budgets {
            let _ = writeln!(text, "\n[{operation}]");
            for (counter, budget) in counts {
                let _ = writeln!(
                    text,
                    "{} = {}",
                    counter.name(),
                    rounded(*budget, self.allowance_percent(*counter))
                );
            }
        }
        text
    }
}

/// To four digits or to whole numbers, unless the allowance is as fine.
fn rounded(count: f64, allowance_percent: f64) -> f64 {
    if allowance_percent < 0.5 {
        return count;
    }
    if count >= 1_000.0 {
        return count.round();
    }
    // The shortest text with so many digits is exactly what stands in the file.
    format!("{count:.3e}").parse().unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_updates_keep_what_was_not_counted() {
        let text = "[allowance_percent]\ninstructions = 2.5\n[put]\nwrites = 1.0\nsystem_calls = 4\n[old]\nreads = 1\n";
        let budgets = Budgets::parse(text).expect("budgets");
        assert_eq!(budgets.of("put", Counter::SystemCalls), Some(4.0));
        assert_eq!(budgets.allowance_percent(Counter::Instructions), 2.5);
        assert_eq!(budgets.allowance_percent(Counter::SystemCalls), 50.0);
        let counted = Counts::from([(
            "put".to_owned(),
            BTreeMap::from([(Counter::Writes, 1.013), (Counter::Instructions, 8123.4)]),
        )]);
        let updated = Budgets::parse(&budgets.updated(&counted, true, |_, _| true).to_toml())
            .expect("its own text");
        assert_eq!(updated.of("put", Counter::Writes), Some(1.013));
        assert_eq!(updated.of("put", Counter::Instructions), Some(8123.0));
        assert_eq!(updated.of("put", Counter::SystemCalls), Some(4.0));
        assert!(updated.all().all(|(name, _)| name == "put"), "what is gone has no budget");
        assert_eq!(updated.allowance_percent(Counter::Instructions), 2.5);
        let in_part = budgets.updated(&counted, false, |_, _| true);
        assert_eq!(in_part.of("old", Counter::Reads), Some(1.0), "it was not looked for");
        let counts_it = |_: &str, counter| counter != Counter::SystemCalls;
        let without = budgets.updated(&counted, true, counts_it);
        assert_eq!(without.of("put", Counter::SystemCalls), None, "nothing counts it");
        assert_eq!(without.of("put", Counter::Writes), Some(1.013));
    }

    #[test]
    fn what_was_counted_is_within_its_own_budget_whatever_the_allowance() {
        for allowance_percent in [0.0, 0.4, 0.5, 3.0] {
            for count in [25.114, 1_234.499, 0.123_456] {
                let written = rounded(count, allowance_percent);
                let most = written * (1.0 + allowance_percent / 100.0);
                assert!(count <= most, "{count} over {written} and {allowance_percent} %");
            }
        }
    }

    #[test]
    fn what_is_no_budget_is_refused_with_its_place() {
        for (text, expected) in [
            ("[put]\nwrites = -1", "[put] writes: expected a number from 0 up, found -1"),
            ("[put]\nwrites = nan", "found NaN"),
            ("[put]\nwires = 1", "wires"),
            ("[put]\nwrites = \"many\"", "line 2"),
            ("put = 1", "put"),
            ("[put", "line 1"),
            ("[\"get cached\"]\nreads = 1", "named with letters"),
            ("[allowance_percent]\nreads = -3", "[allowance_percent] reads"),
        ] {
            let error = Budgets::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
