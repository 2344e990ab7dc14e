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
    /// `all` operations that there are were counted, others keep theirs too.
    pub fn updated(&self, counts: &Counts, all: bool) -> Self {
        let mut budgets = if all { Counts::new() } else { self.budgets.clone() };
        budgets.extend(counts.clone());
        for (operation, counts) in &mut budgets {
            for (counter, budget) in self.budgets.get(operation).into_iter().flatten() {
                counts.entry(*counter).or_insert(*budget);
            }
        }
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

    /// Operations that have a budget.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        self.budgets.keys().map(String::as_str)
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
                let _ = writeln!(text, "{} = {}", counter.name(), rounded(*budget));
            }
        }
        text
    }
}

/// To four digits or to whole numbers: finer than any allowance.
fn rounded(count: f64) -> f64 {
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
        let updated =
            Budgets::parse(&budgets.updated(&counted, true).to_toml()).expect("its own text");
        assert_eq!(updated.of("put", Counter::Writes), Some(1.013));
        assert_eq!(updated.of("put", Counter::Instructions), Some(8123.0));
        assert_eq!(updated.of("put", Counter::SystemCalls), Some(4.0));
        assert_eq!(updated.operations().collect::<Vec<_>>(), ["put"], "what is gone has no budget");
        assert_eq!(updated.allowance_percent(Counter::Instructions), 2.5);
        let in_part = budgets.updated(&counted, false);
        assert_eq!(in_part.of("old", Counter::Reads), Some(1.0), "it was not looked for");
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
            ("[allowance_percent]\nreads = -3", "[allowance_percent] reads"),
        ] {
            let error = Budgets::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
