//! What pages are built from: sections, lists of figures, tables. Knows how things look, not what they mean.

use maud::{Markup, html};

/// A section with its heading; none without content.
pub(super) fn section(id: &str, heading: &str, content: Option<Markup>) -> Option<Markup> {
    let content = content?;
    Some(html! {
        section id=(id) aria-labelledby={ (id) "-heading" } {
            h2 id={ (id) "-heading" } { (heading) }
            (content)
        }
    })
}

/// What a figure is called, and its value if it was measured.
pub(super) type Fact = (&'static str, Option<String>);

/// Figures with their names. What is absent is said to be; where all is absent there is no list.
pub(super) fn facts(facts: Vec<Fact>) -> Option<Markup> {
    facts.iter().any(|(_, value)| value.is_some()).then(|| {
        html! {
            dl.facts {
                @for (name, value) in &facts {
                    div { dt { (name) } dd { (or_absent(value.as_deref())) } }
                }
            }
        }
    })
}

/// The value, or that there is none.
pub(super) fn or_absent(value: Option<&str>) -> Markup {
    html! { @match value { Some(value) => (value), None => span.absent { "not measured" } } }
}

/// A table that scrolls by itself where the page is narrower. `name` says what it holds.
pub(super) fn table(name: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(name) tabindex="0" {
            table { thead { (head) } tbody { (body) } }
        }
    }
}

/// Yes or no, in the words given.
pub(super) fn either(which: Option<bool>, yes: &str, no: &str) -> Option<String> {
    which.map(|is| if is { yes.into() } else { no.into() })
}
