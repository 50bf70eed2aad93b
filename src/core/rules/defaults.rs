//! Defaults without rule files: the default escalation policy and its teams; the shipped rule files.

use include_dir::{Dir, DirEntry, include_dir};

use super::{EscalationPolicy, EscalationStep, RuleText, Team};
use crate::core::model::{Tier, TimeDelta};

/// The escalation policy of rules that name none.
pub(super) const LADDER: &str = "default";
/// The team of plans that name none.
pub(super) const FIRST_LINE: &str = "first-line";
const SECOND_LINE: &str = "second-line";
const THIRD_LINE: &str = "third-line";

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// The shipped rule files, used when there is no directory of rules.
pub fn builtin() -> Vec<RuleText> {
    let mut texts = Vec::new();
    collect(&SHIPPED, &mut texts);
    texts.sort_by(|a: &RuleText, b: &RuleText| a.path.cmp(&b.path));
    texts
}

fn collect(dir: &Dir<'_>, texts: &mut Vec<RuleText>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(inner) => collect(inner, texts),
            DirEntry::File(file) => {
                let is_yaml = file.path().extension().is_some_and(|extension| extension == "yaml");
                if let Some(text) = file.contents_utf8().filter(|_| is_yaml) {
                    // Paths as on the build machine differ by separator only.
                    let path = file.path().to_string_lossy().replace('\\', "/");
                    texts.push(RuleText { path, text: text.to_owned() });
                }
            }
        }
    }
}

/// Three lines, each with time to respond and to resolve.
pub(super) fn ladder() -> EscalationPolicy {
    let step = |tier, team: &str, respond_minutes, resolve_hours| {
        let (respond_by, resolve_by) = (TimeDelta::from_minutes(respond_minutes), TimeDelta::from_hours(resolve_hours));
        EscalationStep::wall(tier, team, respond_by, TimeDelta::from_minutes(10), Some(resolve_by))
    };
    EscalationPolicy {
        name: LADDER.to_owned(),
        steps: vec![
            step(Tier::First, FIRST_LINE, 15, 4),
            step(Tier::Second, SECOND_LINE, 30, 8),
            step(Tier::Third, THIRD_LINE, 60, 24),
        ],
        hierarchy: Vec::new(),
    }
}

/// The default policy's teams. Each has the seat on duty, so that no step is skipped before people are named.
pub(super) fn teams() -> Vec<Team> {
    let team = |name: &str, title: &str| Team {
        name: name.to_owned(),
        title: title.to_owned(),
        members: vec!["duty".to_owned()],
        channels: Vec::new(),
        ..Team::default()
    };
    vec![
        team(FIRST_LINE, "First line (service desk) 一线"),
        team(SECOND_LINE, "Second line (experts) 二线"),
        team(THIRD_LINE, "Third line (vendors, carriers) 三线"),
    ]
}
