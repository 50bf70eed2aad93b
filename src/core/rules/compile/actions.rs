//! Actions of a rule beyond raising: `context:`, `contexts:`, `emit:`.

use serde_saphyr::Location;

use super::pattern::{SECOND, WINDOW_MAX};
use super::reader::{SectionReader, place_of_brace};
use crate::core::model::{LABEL_MAX_BYTES, LABELS_MAX, Labels, NAME_MAX_BYTES};
use crate::core::rules::syntax::file::RuleSyntax;
use crate::core::rules::syntax::pattern::{ContextActionSyntax, EmitSyntax};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{
    ActionAt, Actions, ContextAction, ContextChange, ContextGuard, Emit, EmitKind, ParseGuardError,
};

/// Maximum number of contexts that one rule may change.
const CHANGES_MAX: usize = 16;
/// Maximum length of a context name before its placeholders are filled, in bytes.
const CONTEXT_NAME_MAX_BYTES: usize = 256;

pub(super) fn guard(reader: &mut SectionReader<'_>, text: Option<&Spanned<String>>) -> Option<ContextGuard> {
    let text = text?;
    match ContextGuard::parse(&text.value) {
        Ok(guard) => {
            for name in guard.names() {
                check_places(reader, name, text);
            }
            Some(guard)
        }
        Err(ParseGuardError { reason, column }) => {
            let at = reader.inside(text.referenced, 1, column);
            reader.mistake_at(at, reason, "names of contexts with !, &&, || and brackets, such as '!MAINT_{site}'");
            None
        }
    }
}

pub(super) fn actions(reader: &mut SectionReader<'_>, entry: &RuleSyntax) -> Actions {
    let changes = entry.contexts.as_deref().unwrap_or_default();
    if changes.len() > CHANGES_MAX {
        let expected = format!("at most {CHANGES_MAX}");
        reader.mistake(entry.name.referenced, format!("{} changes of contexts", changes.len()), expected);
    }
    let contexts = changes.iter().filter_map(|change| context(reader, change, entry.name.referenced)).collect();
    let emit = entry.emit.as_ref().map(|text| emit(reader, text, EmitKind::Firing));
    Actions { contexts, emit }
}

fn context(reader: &mut SectionReader<'_>, text: &ContextActionSyntax, rule: Location) -> Option<ContextAction> {
    let at = match text.when.as_ref().map(|when| (when.value.as_str(), when.referenced)) {
        None | Some(("fire", _)) => ActionAt::Fire,
        Some(("clear", _)) => ActionAt::Clear,
        Some((other, at)) => {
            reader.mistake(at, format!("{other:?} is not a time to act"), "fire or clear");
            ActionAt::Fire
        }
    };
    let (name, change) = match (&text.set, &text.unset) {
        (Some(name), None) => {
            let lifetime = reader.optional_span(text.lifetime.as_ref(), SECOND, WINDOW_MAX);
            let on_expiry =
                text.on_expiry.as_ref().map(|expiry| Box::new(emit(reader, &expiry.event, EmitKind::Point)));
            if let (Some(expiry), None) = (&text.on_expiry, lifetime) {
                reader.mistake(expiry.event.referenced, "a context without for: never expires", "for:, such as 1h");
            }
            (name, ContextChange::Set { lifetime, on_expiry })
        }
        (None, Some(name)) => {
            let lifetime = text.lifetime.as_ref().map(|lifetime| lifetime.referenced);
            let expiry = text.on_expiry.as_ref().map(|expiry| expiry.event.referenced);
            for at in [lifetime, expiry].into_iter().flatten() {
                reader.mistake(at, "unset ends the context at once", "for: and on_expiry: with set only");
            }
            (name, ContextChange::Unset)
        }
        (Some(both), Some(_)) => {
            reader.mistake(both.referenced, "set and unset in one change", "one of the two");
            return None;
        }
        (None, None) => {
            reader.mistake(rule, "a change of a context without set or unset", "one of the two");
            return None;
        }
    };
    let is_name = |c: char| !c.is_whitespace() && !matches!(c, '!' | '&' | '|' | '(' | ')');
    let value = &name.value;
    if value.is_empty() || value.len() > CONTEXT_NAME_MAX_BYTES || !value.chars().all(is_name) {
        let expected = format!("1 to {CONTEXT_NAME_MAX_BYTES} bytes without spaces, brackets, !, & and |");
        reader.mistake(name.referenced, format!("{value:?} is not the name of a context"), expected);
    }
    check_places(reader, value, name);
    Some(ContextAction { at, name: value.clone(), change })
}

fn emit(reader: &mut SectionReader<'_>, text: &Spanned<EmitSyntax>, kind: EmitKind) -> Emit {
    let (at, entry) = (text.referenced, &text.value);
    let kind = match entry.status.as_ref().map(|status| (status.value.as_str(), status.referenced)) {
        None => kind,
        Some(("point", _)) => EmitKind::Point,
        Some(("firing", _)) if kind == EmitKind::Firing => EmitKind::Firing,
        Some(("firing", at)) => {
            reader.mistake(at, "nothing would ever resolve it", "point, or a rule with emit: and pattern absence");
            EmitKind::Point
        }
        Some((other, at)) => {
            reader.mistake(at, format!("{other:?} is not what an event can be"), "firing or point");
            kind
        }
    };
    let labels = &entry.labels.value;
    if labels.is_empty() || labels.len() > LABELS_MAX {
        let expected = format!("1 to {LABELS_MAX} labels");
        reader.mistake(entry.labels.referenced, format!("an event of {} labels", labels.len()), expected);
    }
    for (name, value) in labels {
        let is_name = !name.is_empty() && name.len() <= NAME_MAX_BYTES && !name.starts_with('@');
        if !is_name || value.value.is_empty() || value.value.len() > LABEL_MAX_BYTES {
            reader.mistake(value.referenced, format!("the label {name:?} of that value"), "a label and its value");
        }
        check_places(reader, &value.value, value);
    }
    let severity = entry.severity.as_ref().and_then(|word| reader.word(word));
    let summary = entry.summary.as_ref().map(|summary| {
        check_places(reader, &summary.value, summary);
        reader.text(summary)
    });
    if entry.labels.value.contains_key("alertname") {
        let labels = Labels::from_pairs(labels.iter().map(|(name, value)| (name, value.value.as_str())));
        return Emit { labels, severity, summary: summary.unwrap_or_default(), kind };
    }
    reader.mistake(at, "an event without a name", "labels with an alertname");
    Emit { labels: Labels::empty(), severity, summary: String::new(), kind }
}

/// Braces must form placeholders.
fn check_places(reader: &mut SectionReader<'_>, template: &str, whole: &Spanned<String>) {
    if let Some(byte) = place_of_brace(template) {
        let before = whole.value.find(template).unwrap_or(0) + byte;
        let column = whole.value.get(..before).unwrap_or_default().chars().count() + 1;
        let at = reader.inside(whole.referenced, 1, column);
        reader.mistake_at(at, "a brace without its other", "{label}");
    }
}
