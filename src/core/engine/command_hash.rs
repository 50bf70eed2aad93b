//! What a person asked with an Idempotency-Key, as a short text that stays the same: across a restart, an upgrade, and
//! any renaming in the code.

use serde::Serialize;

use crate::core::model::fnv1a;

/// Raised when the encoding becomes another one; a command that was hashed under an older one then counts as a new one.
const VERSION: u8 = 1;

/// The hash of a command's content: of its postcard bytes, in which positions count and names do not, behind the version
/// of the encoding. 16 hexadecimal digits.
pub(super) fn command_hash(content: &impl Serialize) -> String {
    let encoded = postcard::to_extend(content, vec![VERSION]);
    let bytes = encoded.expect("a command is plain data of known lengths, all of which postcard encodes");
    format!("{:016x}", fnv1a(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::engine::{Action, IncidentAction, ProblemAction, RunAction, StaffAction};
    use crate::core::incidents::PendingOn;
    use crate::core::inspections::ItemOutcome;
    use crate::core::model::{ContactBy, Heartbeat, HeartbeatWord, IncidentId, ProblemId, RunId};
    use crate::core::problems::ProblemState;

    /// Whoever changes one of these makes the repeats of commands from before an upgrade new commands.
    #[test]
    fn the_hashes_are_those_of_every_release_before() {
        let incident = |action| Action::Incident { id: IncidentId(7), action };
        let golden = [
            (incident(IncidentAction::Acknowledge { note: None }), "cf63f1aea2f48041"),
            (incident(IncidentAction::Acknowledge { note: Some("已接单".to_owned()) }), "8d51462717575369"),
            (incident(IncidentAction::Pend { on: PendingOn::Vendor, reason: "等备件".to_owned() }), "17af17c0beb7d704"),
            (incident(IncidentAction::Contact { by: ContactBy::Phone, note: String::new() }), "d0bc3cbe96f603c3"),
            (
                incident(IncidentAction::Triage { fields: [("症状".to_owned(), "丢包".to_owned())].into() }),
                "ab85f80f7b3fd5d6",
            ),
            (
                Action::Problem {
                    id: ProblemId(2),
                    action: ProblemAction::Move { to: ProblemState::KnownError, reason: None },
                },
                "b6ae61e102b9d89d",
            ),
            (
                Action::Run {
                    id: RunId(3),
                    action: RunAction::RecordItem {
                        item: "电压".to_owned(),
                        outcome: ItemOutcome::Pass,
                        evidence: String::new(),
                        value: Some(231.5),
                        found: None,
                    },
                },
                "f77bb27af4a4a2ea",
            ),
            (
                Action::Staff(StaffAction::Presence(Heartbeat { person: "甲".to_owned(), word: HeartbeatWord::Away })),
                "17bfb5710a9ee676",
            ),
        ];
        let found: Vec<String> = golden.iter().map(|(action, _)| command_hash(action)).collect();
        let expected: Vec<&str> = golden.iter().map(|(_, hash)| *hash).collect();
        assert_eq!(found, expected);
    }

    /// The same bytes under other names: a variant and a field may be renamed, never moved.
    #[test]
    fn names_do_not_count_but_positions_and_contents_do() {
        #[derive(Serialize)]
        enum PriorCount {
            Page { whom: u8 },
            Tell { whom: u8 },
        }
        #[derive(Serialize)]
        enum After {
            Notify { recipient: u8 },
            Inform { recipient: u8 },
        }
        assert_eq!(command_hash(&PriorCount::Page { whom: 1 }), command_hash(&After::Notify { recipient: 1 }));
        assert_eq!(command_hash(&PriorCount::Tell { whom: 1 }), command_hash(&After::Inform { recipient: 1 }));
        assert_ne!(command_hash(&PriorCount::Page { whom: 1 }), command_hash(&PriorCount::Tell { whom: 1 }));
        assert_ne!(command_hash(&PriorCount::Page { whom: 1 }), command_hash(&PriorCount::Page { whom: 2 }));
    }
}
