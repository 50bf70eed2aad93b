//! The table of keys of rule files that have another name now; the old ones are read for one release.

/// A key, its name before, and the keys above it (lists between them are not counted).
pub(super) struct OldWord {
    pub above: &'static [&'static str],
    pub old: &'static str,
    pub new: &'static str,
}

const fn renamed(above: &'static [&'static str], old: &'static str, new: &'static str) -> OldWord {
    OldWord { above, old, new }
}

/// Delete an entry, and the `serde(alias)` of its field, with the release after the one that renamed it.
pub(super) const OLD_WORDS: [OldWord; 14] = [
    renamed(&[], "targets", "sla"),
    renamed(&["sla"], "because", "justification"),
    renamed(&["rules"], "because", "justification"),
    renamed(&["rules"], "pages", "paging"),
    renamed(&["rules"], "settle", "notify_delay"),
    renamed(&["rules"], "quiet", "clear_after"),
    renamed(&["rules"], "otherwise_after", "pass_on_after"),
    renamed(&["rules", "pattern"], "thresholds", "hysteresis"),
    renamed(&["rules", "pattern"], "pair_window", "missing_followup"),
    renamed(&["tiers"], "hierarchy", "notify_managers"),
    renamed(&["tiers", "steps"], "demands", "required_fields"),
    renamed(&["rosters"], "when_absent", "if_nobody_on_duty"),
    renamed(&["rosters"], "when_full", "if_all_at_limit"),
    renamed(&["problems"], "quiet", "clear_after"),
];

/// Whether a key is an old word somewhere: what is expected at a mistake names only the new ones.
pub(super) fn is_old(key: &str) -> bool {
    OLD_WORDS.iter().any(|word| word.old == key)
}
